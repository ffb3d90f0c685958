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

/** Which image a machine boots: the default one of its Kubernetes version, or one with a name of its own. */
export interface ImageReference {
  kubernetesVersion: string;
  name?: string | undefined;
}

/** Returns `v1.37.2`, or `v1.37.2-gpu` for an image with a name. */
export const imageFolder = ({ kubernetesVersion, name }: ImageReference): string =>
  name === undefined ? kubernetesVersion : `${kubernetesVersion}-${name}`;

/** The reverse of `imageFolder`; undefined for any other text. */
export function parseImageFolder(folder: string): ImageReference | undefined {
  const [, kubernetesVersion = "", name] =
    /^(v\d+\.\d+\.\d+)(?:-([a-z0-9](?:[-a-z0-9]{0,30}[a-z0-9])?))?$/.exec(folder) ?? [];
  if (valid(kubernetesVersion) === null) return undefined;
  return name === undefined ? { kubernetesVersion } : { kubernetesVersion, name };
}

/**
 * Returns every image in `imagesDir`, those of the newest Kubernetes version first. None if `imagesDir` is missing;
 * throws if it cannot be read.
 */
export async function listImages(imagesDir: string): Promise<ImageReference[]> {
  const folders = await listFolder(imagesDir);
  return folders
    .toSorted()
    .flatMap((folder) => parseImageFolder(folder) ?? [])
    .toSorted((one, other) => rcompare(one.kubernetesVersion, other.kubernetesVersion));
}

/** Returns the Kubernetes versions with a default image. */
export const versionsOf = (images: readonly ImageReference[]): string[] =>
  images.flatMap(({ kubernetesVersion, name }) => (name === undefined ? kubernetesVersion : []));

/** Returns the names of the further images of a Kubernetes version. */
export const imageNamesOf = (images: readonly ImageReference[], kubernetesVersion: string): string[] =>
  images.flatMap((image) => (image.kubernetesVersion === kubernetesVersion ? (image.name ?? []) : []));
