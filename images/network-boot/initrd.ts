import { chmod, copyFile, lutimes, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { execa } from "execa";
import { run } from "../../metadata-server/run.ts";
import { renderNodeFile } from "../node-files.ts";
import { sourceDateEpoch } from "../debian/bootstrap.ts";
import { initrdModules, installModules } from "./kernel-modules.ts";
import type { KernelPackage } from "./kernel-package.ts";

export interface InitrdInputs {
  kernel: KernelPackage;
  templatesDir: string;
  scratchDir: string;
  signal: AbortSignal;
}

/** What `init` reads first. */
const initParts = ["network.sh", "report.sh", "disk.sh", "root.sh"];

/** Writes the small system that fetches or installs the root image: busybox, drivers, two scripts. The same inputs give the same bytes. */
export async function writeInitrd(file: string, { kernel, templatesDir, scratchDir, signal }: InitrdInputs) {
  const root = join(scratchDir, "initrd");
  for (const folder of ["data", "dev", "etc", "lower", "memory", "proc", "root", "sbin", "sys", "tmp"])
    await mkdir(join(root, folder), { recursive: true });
  await installPrograms(root, { kernel, templatesDir });
  await writeProgram(join(root, "init"), await renderNodeFile("network-boot/init", templatesDir, {}));
  for (const part of initParts)
    await writeFile(join(root, "usr/lib/sprout", part), await renderNodeFile(`network-boot/${part}`, templatesDir, {}));
  // What the kernel, xargs and timeout run; the shell itself needs no names for busybox's programs.
  for (const name of ["modprobe", "wget"]) await symlink("/usr/lib/sprout/busybox", join(root, "sbin", name));
  const modules = { root, selection: initrdModules, scratchDir: join(scratchDir, "all-modules") };
  await symlink("usr/lib", join(root, "lib"));
  await installModules(kernel, modules, { signal });
  await writeFile(file, padded(await compress(await archive(root, signal))));
}

/** What asks for an address, in the initrd and later on the machine. */
export async function installPrograms(
  root: string,
  { kernel, templatesDir }: Pick<InitrdInputs, "kernel" | "templatesDir">,
): Promise<void> {
  const folder = join(root, "usr/lib/sprout");
  await mkdir(folder, { recursive: true });
  await copyFile(kernel.busybox, join(folder, "busybox"));
  await chmod(join(folder, "busybox"), 0o755);
  await writeProgram(join(folder, "udhcpc"), await renderNodeFile("network-boot/udhcpc", templatesDir, {}));
}

async function writeProgram(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** https://docs.kernel.org/driver-api/early-userspace/buffer-format.html */
async function archive(root: string, signal: AbortSignal): Promise<Buffer> {
  // Not by readdir, which follows links to folders.
  const found = await run("find", [root, "-mindepth", "1", "-printf", String.raw`%P\0`], { signal });
  const names = found
    .split("\0")
    .filter((name) => name !== "")
    .toSorted();
  for (const name of names) await lutimes(join(root, name), sourceDateEpoch, sourceDateEpoch);
  const args = ["--create", "--format=newc", "--null", "--reproducible", "--owner=0:0", "--quiet"];
  const { stdout } = await execa("cpio", args, {
    cwd: root,
    input: names.join("\0"),
    encoding: "buffer",
    maxBuffer: 256 * 1024 * 1024,
    cancelSignal: signal,
  });
  return Buffer.from(stdout);
}

const compress = (data: Buffer) =>
  promisify(zstdCompress)(data, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });

/** UEFI's loader puts several initrds end to end, and each must start on four bytes. */
const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc(-data.length & 511)]);
