import { join } from "node:path";
import { exists } from "#lib/files.ts";
import { imagePaths, listImages } from "#lib/image-folder.ts";

/** Kubernetes versions whose image can be booted over the network, newest first. */
export async function listBootImages(imagesDir: string): Promise<string[]> {
  const versions = await listImages(imagesDir);
  const bootable = await Promise.all(
    versions.map((version) => exists(join(imagePaths(join(imagesDir, version)).networkBoot, "root.squashfs"))),
  );
  return versions.filter((_, index) => bootable[index]);
}
