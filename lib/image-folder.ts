import { join } from "node:path";
import rcompare from "semver/functions/rcompare.js";
import valid from "semver/functions/valid.js";
import { listFolder } from "./files.ts";

/** Files of a baked image, from which machines boot. */
export interface ImagePaths {
  dir: string;
  /** Written last: an image with a manifest is whole. */
  manifest: string;
  /** Machine root, the read-only lower side of every machine's overlay. */
  rootfs: string;
  /** Contents of /var/lib/containerd, cloned for every machine. */
  containerdStore: string;
  /** Folder of `networkBootFiles`, if the manifest lists them. */
  networkBoot: string;
}

export const imagePaths = (dir: string): ImagePaths => ({
  dir,
  manifest: join(dir, "manifest.json"),
  rootfs: join(dir, "rootfs"),
  containerdStore: join(dir, "containerd"),
  networkBoot: join(dir, "network-boot"),
});

/** Kernel, initrd, root of a worker in memory, root to install to a disk. */
export const networkBootFiles = ["vmlinuz", "initrd", "root.squashfs", "disk.squashfs"] as const;

/**
 * Returns the Kubernetes versions that have an image in `imagesDir`, newest first; each names its image's folder. None
 * if `imagesDir` is missing; throws if it cannot be read.
 */
export async function listImages(imagesDir: string): Promise<string[]> {
  const names = await listFolder(imagesDir);
  return names.filter((name) => `v${valid(name)}` === name).toSorted(rcompare);
}
