import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { parseImageManifest, type ImageManifest } from "./manifest.ts";

/** A complete image on disk. */
export interface BakedImage {
  dir: string;
  /** Machine root, the read-only lower side of every machine's overlay. */
  rootfs: string;
  /** Contents of /var/lib/containerd, cloned for every machine. */
  containerdStore: string;
  /** Kernel, initrd and root image, where the manifest has them. */
  networkBoot: string;
  manifest: ImageManifest;
}

/** Throws ImageManifestError, or an Error that says how to bake where there is no image. */
export async function loadImage(imagesDir: string, kubernetesVersion: string): Promise<BakedImage> {
  const image = toPaths(join(imagesDir, kubernetesVersion));
  const text = await readFile(join(image.dir, "manifest.json"), "utf8").catch((cause: unknown) => {
    throw new Error(
      `Cannot load image: there is none for ${kubernetesVersion} in ${imagesDir}, run "sprout image bake --kubernetes-version ${kubernetesVersion}"`,
      { cause },
    );
  });
  const manifest = parseImageManifest(text);
  await Promise.all([access(image.rootfs), access(image.containerdStore)]);
  return { ...image, manifest };
}

export const toPaths = (dir: string) => ({
  dir,
  rootfs: join(dir, "rootfs"),
  containerdStore: join(dir, "containerd"),
  networkBoot: join(dir, "network-boot"),
});

const replacedPrefix = ".replaced-";

/**
 * Puts a complete image in place of the one of its name. Running machines may still have the old one as their root's
 * lower side, so it is only moved away; it goes when no machine uses any image of this folder.
 */
export async function placeImage(work: string, dir: string): Promise<void> {
  const imagesDir = dirname(dir);
  await mkdir(imagesDir, { recursive: true });
  await rename(dir, join(imagesDir, `${replacedPrefix}${randomUUID()}`)).catch(ignoreMissing);
  await rename(work, dir);
  await removeReplaced(imagesDir);
}

async function removeReplaced(imagesDir: string): Promise<void> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  if (mounts.includes(`lowerdir=${imagesDir}/`) || mounts.includes(`:${imagesDir}/`)) return;
  for (const name of await readdir(imagesDir))
    if (name.startsWith(replacedPrefix)) await rm(join(imagesDir, name), { recursive: true });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
