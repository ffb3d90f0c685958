import { join } from "node:path";
import { exists } from "#lib/files.ts";
import { imageFolder, imagePaths, type ImageReference, listImages } from "#lib/image-folder.ts";

/** Images that can be booted over the network, those of the newest Kubernetes version first. */
export async function listBootImages(imagesDir: string): Promise<ImageReference[]> {
  const images = await listImages(imagesDir);
  const bootable = await Promise.all(
    images.map((image) => exists(join(imagePaths(join(imagesDir, imageFolder(image))).networkBoot, "root.squashfs"))),
  );
  return images.filter((_, index) => bootable[index]);
}
