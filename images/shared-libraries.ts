import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { hostArchitecture, type Architecture } from "./architecture.ts";
import { readElf } from "./elf.ts";

/**
 * Every shared library, the dynamic loader included, that the programs need: paths inside `rootfs`, sorted.
 * Read from the files themselves, so nothing of the root is executed. Throws where a library is missing.
 */
export async function findSharedLibraries(programs: readonly string[], rootfs: string): Promise<string[]> {
  const found = new Set<string>();
  const pending = [...programs];
  for (let program = pending.pop(); program !== undefined; program = pending.pop()) {
    const elf = await readElf(program);
    if (!elf) continue;
    // libc asks for the loader too, by a name without a folder; it must lie where the program names it.
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

const isFile = async (path: string) =>
  realpath(path)
    .then(async (real) => (await stat(real)).isFile())
    .catch(() => false);
