import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { ignoreMissing } from "#lib/files.ts";
import { imagePaths, type ImagePaths, parseImageFolder } from "#lib/image-folder.ts";
import { parseImageManifest, type ImageManifest } from "./manifest.ts";

/** A complete image on disk. */
export interface BakedImage extends Omit<ImagePaths, "manifest"> {
  manifest: ImageManifest;
}

/** Reads the image in a folder. Throws ImageManifestError, or an Error that says how to bake if there is no image. */
export async function loadImage(imagesDir: string, folder: string): Promise<BakedImage> {
  const image = imagePaths(join(imagesDir, folder));
  const text = await readFile(image.manifest, "utf8").catch((cause: unknown) => {
    const { kubernetesVersion = folder, name } = parseImageFolder(folder) ?? {};
    const flags = `--kubernetes-version ${kubernetesVersion}${name === undefined ? "" : ` --name ${name}`}`;
    throw new Error(`Cannot load image: ${imagesDir} has none for ${folder}; run "sprout image bake ${flags}"`, {
      cause,
    });
  });
  const manifest = parseImageManifest(text);
  await Promise.all([access(image.rootfs), access(image.containerdStore)]);
  return { ...image, manifest };
}

const replacedPrefix = ".replaced-";

/**
 * Puts a complete image in place of the old one. Running machines may still use the old image as the lower side of
 * their roots, so it is only moved aside; it is removed once no machine uses any image of this folder.
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
