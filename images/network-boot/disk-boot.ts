import { copyFile, mkdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "#lib/run.ts";
import { createRender } from "../../templates/create-render.ts";
import { sourceDateEpoch } from "../debian/bootstrap.ts";
import type { KernelPackage } from "./kernel-package.ts";

interface DiskBootInputs {
  kernel: KernelPackage;
  /** Debian's name of the architecture. */
  architecture: string;
  initrd: string;
  templatesDir: string;
  scratchDir: string;
  signal: AbortSignal;
}

const mebibyte = 1024 * 1024;
/** FAT32, which UEFI requires on disks, has a minimum number of clusters. */
const leastMebibytes = 64;
/** Space for boot loaders, configuration and the filesystem's own data. */
const spareMebibytes = 12;

/** Kernel command line for the boot loader. The machine's identity is on another partition. */
const diskCommandLine = "console=tty0 console=ttyS0,115200 quiet sprout.do=disk";

/** UEFI's name of the program that it starts from a disk by default (UEFI 2.10, 3.5.1.1). */
const uefiLoaders: Record<string, { source: string; target: string }> = {
  amd64: { source: "systemd-bootx64.efi", target: "BOOTX64.EFI" },
  arm64: { source: "systemd-bootaa64.efi", target: "BOOTAA64.EFI" },
};

/**
 * Writes what an installation needs in addition to the root image to `folder`: the boot partition's contents, the first
 * sector's program for BIOS, and the partitions to make.
 */
export async function writeDiskBoot(folder: string, inputs: DiskBootInputs): Promise<void> {
  const { kernel, architecture, templatesDir, signal } = inputs;
  const render = createRender(templatesDir);
  await mkdir(join(folder, "repart.d"), { recursive: true });
  for (const name of ["10-boot.conf", "20-root.conf", "30-data.conf"])
    await writeFile(join(folder, "repart.d", name), await render(`disk/repart.d/${name}`, {}));
  const image = join(folder, "boot.img");
  await writeFatImage(image, await collectFiles(inputs), signal);
  if (architecture !== "amd64") return;
  await run("syslinux", ["--install", image], { signal });
  await copyFile(join(kernel.loadersDir, "syslinux/mbr/gptmbr.bin"), join(folder, "gptmbr.bin"));
}

interface BootFile {
  source: string;
  /** Path on the partition. */
  path: string;
}

async function collectFiles(inputs: DiskBootInputs): Promise<BootFile[]> {
  const { kernel, architecture, initrd, templatesDir, scratchDir } = inputs;
  const loader = uefiLoaders[architecture];
  if (loader === undefined) throw new Error(`Cannot make disks bootable: no boot loader is known for ${architecture}`);
  await mkdir(scratchDir, { recursive: true });
  const rendered = async (name: string, path: string): Promise<BootFile> => {
    const source = join(scratchDir, name);
    await writeFile(source, await createRender(templatesDir)(`disk/${name}`, { commandLine: diskCommandLine }));
    await utimes(source, sourceDateEpoch, sourceDateEpoch);
    return { source, path };
  };
  return [
    { source: kernel.vmlinuz, path: "vmlinuz" },
    { source: initrd, path: "initrd" },
    { source: join(kernel.loadersDir, "systemd/boot/efi", loader.source), path: `EFI/BOOT/${loader.target}` },
    await rendered("loader.conf", "loader/loader.conf"),
    await rendered("entry.conf", "loader/entries/sprout.conf"),
    ...(architecture === "amd64" ? [await rendered("syslinux.cfg", "syslinux.cfg")] : []),
  ];
}

async function writeFatImage(image: string, files: readonly BootFile[], signal: AbortSignal): Promise<void> {
  const sizes = await Promise.all(files.map(async ({ source }) => (await stat(source)).size));
  const content = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / mebibyte);
  const mebibytes = Math.max(leastMebibytes, content + spareMebibytes);
  const options = { signal, env: { SOURCE_DATE_EPOCH: String(sourceDateEpoch) } };
  await run("mkfs.vfat", ["-C", "-F", "32", "-n", "SPROUT", "--invariant", image, String(mebibytes * 1024)], options);
  const folders = new Set(files.flatMap(({ path }) => parentsOf(path)));
  await run("mmd", ["-i", image, ...Array.from(folders, (name) => `::/${name}`)], options);
  for (const { source, path } of files) await run("mcopy", ["-m", "-i", image, source, `::/${path}`], options);
}

/** `a/b/c` → `a`, `a/b`. */
const parentsOf = (path: string) =>
  path
    .split("/")
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join("/"));
