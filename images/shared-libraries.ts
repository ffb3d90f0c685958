import { join } from "node:path";
import { hostArchitecture, type Architecture } from "#lib/architecture.ts";
import { isFile } from "#lib/files.ts";
import { readElf } from "./elf.ts";

/**
 * Returns every shared library that the programs need, and the dynamic loader: paths inside `rootfs`, sorted. Reads ELF
 * headers, so it executes nothing of the root. Throws if a library is missing.
 */
export async function findSharedLibraries(programs: readonly string[], rootfs: string): Promise<string[]> {
  const found = new Set<string>();
  const pending = [...programs];
  for (let program = pending.pop(); program !== undefined; program = pending.pop()) {
    const elf = await readElf(program);
    if (!elf) continue;
    // libc needs the loader, too, by a name without a folder; its place is the one that the program names.
    const libraries = elf.needed.filter((name) => !name.startsWith("ld-linux"));
    const wanted = elf.interpreter === null ? libraries : [elf.interpreter, ...libraries];
    for (const name of wanted) {
      const path = await locate(name, { rootfs, architecture: elf.architecture ?? hostArchitecture(), program });
      if (found.has(path)) continue;
      found.add(path);
      pending.push(join(rootfs, path));
    }
  }
  return [...found].toSorted();
}

async function locate(
  name: string,
  { rootfs, architecture, program }: { rootfs: string; architecture: Architecture; program: string },
): Promise<string> {
  const folders = [`/lib/${architecture.triplet}`, `/usr/lib/${architecture.triplet}`, "/lib", "/usr/lib"];
  const candidates = name.startsWith("/") ? [name] : folders.map((folder) => `${folder}/${name}`);
  for (const candidate of candidates) {
    if (await isFile(join(rootfs, candidate))) return candidate;
  }
  throw new Error(`Cannot collect libraries of ${program}: ${name} is not in the machine root`);
}
