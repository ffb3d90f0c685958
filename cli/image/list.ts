import { basename } from "node:path";
import { imageFolder, listImages, parseImageFolder } from "#lib/image-folder.ts";
import { type BakedImage, loadImage } from "../../images/baked-image.ts";
import { officialReleaseUrl } from "../../images/kubernetes/release.ts";
import type { CliContext } from "../context.ts";
import { formatAge } from "../display/duration.ts";
import { renderTable } from "../display/table.ts";
import { imagesDirOf } from "./prepare.ts";

export interface ImageFlags {
  cacheDir: string;
  json?: boolean;
}

export async function list(context: CliContext, flags: ImageFlags): Promise<void> {
  const imagesDir = imagesDirOf(flags.cacheDir);
  const images = (await listImages(imagesDir)).toReversed();
  printImages(context, await Promise.all(images.map((image) => loadImage(imagesDir, imageFolder(image)))), flags);
}

export function printImages(
  context: CliContext,
  images: readonly Pick<BakedImage, "dir" | "manifest">[],
  { json }: ImageFlags,
): void {
  if (json) {
    const documents = images.map(({ dir, manifest }) => ({ dir, manifest }));
    context.stdout.write(`${JSON.stringify(documents, null, 2)}\n`);
  } else if (images.length === 0) context.stdout.write('No images; bake one with "sprout image bake"\n');
  else
    context.stdout.write(
      renderTable(
        [
          "kubernetes",
          "name",
          "from",
          "architecture",
          "system",
          "container images",
          "containerd",
          "network boot",
          "age",
          "folder",
        ],
        images.map(({ dir, manifest }) => [
          manifest.kubernetesVersion,
          parseImageFolder(basename(dir))?.name ?? "-",
          describeOrigin(manifest),
          manifest.architecture,
          `debian ${manifest.debian.codename}`,
          String(manifest.containerImages.length),
          manifest.containerd.version,
          describeNetworkBoot(manifest),
          formatAge(context.now() - Date.parse(manifest.bakedAt)),
          dir,
        ]),
      ),
    );
}

/** Names a mirror, and the repository of the container images. */
function describeOrigin({ origin, imageRepository }: BakedImage["manifest"]): string {
  const names = { modules: "Go modules", binaries: "given programs", release: "official release" };
  if (origin.kind !== "release") return names[origin.kind];
  const mirror = origin.releaseUrl === officialReleaseUrl ? names.release : origin.releaseUrl;
  return imageRepository === undefined ? mirror : `${mirror}, ${imageRepository}`;
}

/** Returns kernel version and download size in megabytes. */
function describeNetworkBoot({ networkBoot }: BakedImage["manifest"]): string {
  if (networkBoot === undefined) return "none";
  const bytes = networkBoot.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `linux ${networkBoot.kernelVersion}, ${Math.round(bytes / 1e6)} MB`;
}
