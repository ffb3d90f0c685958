import { copyFile, cp, mkdir, readFile, readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { run } from "#lib/run.ts";
import type { KernelPackage } from "./kernel-package.ts";

/** Folders and files without suffix, below `kernel/`. */
type ModuleSelection = readonly string[];

/** Modules that fetch a root image or find it on a disk, and mount it. */
export const initrdModules: ModuleSelection = [
  "drivers/ata",
  "drivers/block/loop",
  "drivers/block/virtio_blk",
  "drivers/net/ethernet",
  "drivers/net/virtio_net",
  "drivers/net/vmxnet3",
  "drivers/nvme",
  "drivers/scsi",
  "drivers/virtio",
  "fs/ext4",
  "fs/overlayfs",
  "fs/squashfs",
];

/**
 * Modules that nodes, containers and CNI plugins load: networks, filesystems and disks, but no graphics and no sound.
 */
export const rootModules: ModuleSelection = [
  "arch",
  "block",
  "crypto",
  "drivers/ata",
  "drivers/block",
  "drivers/char/hw_random",
  "drivers/net",
  "drivers/nvme",
  "drivers/scsi",
  "drivers/virtio",
  "fs",
  "lib",
  "net",
];

/**
 * Copies the selected modules and those that they need to `root`/usr/lib/modules, with the indexes that modprobe reads.
 * Writes the index of all modules to `scratchDir`.
 */
export async function installModules(
  { kernelVersion, modulesDir }: Pick<KernelPackage, "kernelVersion" | "modulesDir">,
  { root, selection, scratchDir }: { root: string; selection: ModuleSelection; scratchDir: string },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const all = join(scratchDir, "lib/modules", kernelVersion);
  await cp(modulesDir, all, { recursive: true, force: false });
  await depmod(scratchDir, kernelVersion, signal);
  const chosen = closure(parseModulesDep(await readFile(join(all, "modules.dep"), "utf8")), selection);
  const target = join(root, "usr/lib/modules", kernelVersion);
  for (const folder of new Set(chosen.map((file) => dirname(file))))
    await mkdir(join(target, folder), { recursive: true });
  await mkdir(target, { recursive: true });
  for (const file of chosen) await copyFile(join(modulesDir, file), join(target, file));
  for (const file of await readdir(modulesDir))
    if (file.startsWith("modules.")) await copyFile(join(modulesDir, file), join(target, file));
  await depmod(join(root, "usr"), kernelVersion, signal);
}

const depmod = (baseDir: string, kernelVersion: string, signal: AbortSignal) =>
  run("depmod", ["--basedir", baseDir, kernelVersion], { signal });

/** Parses `kernel/a.ko: kernel/b.ko` into what each file needs (modules.dep(5)). */
export function parseModulesDep(text: string): Map<string, string[]> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [file = "", needs = ""] = line.split(":");
      return [file, needs.split(" ").filter((need) => need !== "")];
    }),
  );
}

/** Returns the selected files and everything they need, ordered by name. modules.dep lists indirect needs, too. */
export function closure(needs: ReadonlyMap<string, readonly string[]>, selection: ModuleSelection): string[] {
  const isSelected = (file: string) => {
    const path = relative("kernel", file);
    return selection.some((wanted) => path.startsWith(`${wanted}/`) || path.startsWith(`${wanted}.`));
  };
  const selected = [...needs.keys()].filter(isSelected);
  return [...new Set(selected.flatMap((file) => [file, ...(needs.get(file) ?? [])]))].toSorted();
}
