import { chmod, copyFile, lutimes, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { execa } from "execa";
import { run } from "#lib/run.ts";
import { createRender } from "../../templates/create-render.ts";
import { sourceDateEpoch } from "../debian/bootstrap.ts";
import { writeNodeFile } from "../node-files.ts";
import { initrdModules, installModules } from "./kernel-modules.ts";
import type { KernelPackage } from "./kernel-package.ts";

interface InitrdInputs {
  kernel: KernelPackage;
  templatesDir: string;
  scratchDir: string;
  signal: AbortSignal;
}

/** Scripts that `init` reads first. */
const initParts = ["network.sh", "report.sh", "disk.sh", "root.sh"];

/**
 * Writes the small system that fetches or installs the root image: busybox, drivers, scripts. The bytes are
 * deterministic.
 */
export async function writeInitrd(file: string, { kernel, templatesDir, scratchDir, signal }: InitrdInputs) {
  const root = join(scratchDir, "initrd");
  for (const folder of ["data", "dev", "etc", "lower", "memory", "proc", "root", "sbin", "sys", "tmp"])
    await mkdir(join(root, folder), { recursive: true });
  await installPrograms(root, { kernel, templatesDir });
  const render = createRender(templatesDir);
  await writeNodeFile(root, "init", await render("network-boot/init", {}), 0o755);
  for (const part of initParts)
    await writeNodeFile(root, `usr/lib/sprout/${part}`, await render(`network-boot/${part}`, {}));
  // The kernel, xargs and timeout run these; the shell needs no names for busybox's programs.
  for (const name of ["modprobe", "wget"]) await symlink("/usr/lib/sprout/busybox", join(root, "sbin", name));
  const modules = { root, selection: initrdModules, scratchDir: join(scratchDir, "all-modules") };
  await symlink("usr/lib", join(root, "lib"));
  await installModules(kernel, modules, { signal });
  await writeFile(file, padded(await compress(await archive(root, signal))));
}

/** Installs the DHCP client of the initrd and, later, of the machine. */
export async function installPrograms(
  root: string,
  { kernel, templatesDir }: Pick<InitrdInputs, "kernel" | "templatesDir">,
): Promise<void> {
  const folder = join(root, "usr/lib/sprout");
  await mkdir(folder, { recursive: true });
  await copyFile(kernel.busybox, join(folder, "busybox"));
  await chmod(join(folder, "busybox"), 0o755);
  const udhcpc = await createRender(templatesDir)("network-boot/udhcpc", {});
  await writeNodeFile(root, "usr/lib/sprout/udhcpc", udhcpc, 0o755);
}

/** Packs an initrd (https://docs.kernel.org/driver-api/early-userspace/buffer-format.html). */
async function archive(root: string, signal: AbortSignal): Promise<Buffer> {
  // By find, because a recursive readdir follows links to folders.
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

/** UEFI's loader concatenates initrds, and each must start at a multiple of four bytes. */
const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc(-data.length & 511)]);
