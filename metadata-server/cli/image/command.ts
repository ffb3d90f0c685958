import { readdir } from "node:fs/promises";
import { InvalidArgumentError, type Command } from "commander";
import { KubernetesVersion } from "#api/name.ts";
import { loadImage, type BakedImage } from "../../../images/baked-image.ts";
import type { CliContext } from "../context.ts";
import { formatAge } from "../display/duration.ts";
import { renderTable } from "../display/table.ts";
import { exitCodes } from "../exit-code.ts";
import type { AddCommands } from "../program.ts";
import { imagesDirOf, prepareImage } from "./prepare.ts";

export const defaultKubernetesVersion = "v1.20.2";

interface ImageFlags {
  cacheDir: string;
  json?: boolean;
}

interface BakeFlags extends ImageFlags {
  kubernetesVersion: string;
  kubernetesBinaries?: string;
  refreshPackages?: boolean;
  ifNeeded?: boolean;
}

export function parseKubernetesVersion(value: string): string {
  const result = KubernetesVersion.safeParse(value);
  if (!result.success) throw new InvalidArgumentError(result.error.issues[0]?.message ?? "is not a version");
  return result.data;
}

/** `sprout image …`: the machine images on this host. */
export const addImageCommands: AddCommands = (program, context, end) => {
  const image = program.command("image").description("bake and list machine images on this host");

  image
    .command("bake")
    .description("bake the machine image from Debian packages (root; 4 minutes more where Kubernetes is built first)")
    .option("--kubernetes-version <VERSION>", "", parseKubernetesVersion, defaultKubernetesVersion)
    .option("--kubernetes-binaries <DIR>", "a folder with kubeadm, kubelet, …, instead of building them")
    .option("--cache-dir <DIR>", "what is fetched or built once", context.environment.cacheDir)
    .option("--refresh-packages", "the archive's latest Debian packages instead of the cached ones")
    .option("--if-needed", "only if there is none, or its inputs have changed")
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<BakeFlags>();
      const { image: baked } = await prepareImage(context, { ...flags, force: !flags.ifNeeded });
      printImages(context, [baked], flags);
      end(exitCodes.ok);
    });

  image
    .command("list")
    .description("list the baked images")
    .option("--cache-dir <DIR>", "where they are", context.environment.cacheDir)
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<ImageFlags>();
      printImages(context, await listImages(imagesDirOf(flags.cacheDir)), flags);
      end(exitCodes.ok);
    });
};

async function listImages(imagesDir: string): Promise<BakedImage[]> {
  const names = await readdir(imagesDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const versions = names.filter((name) => KubernetesVersion.safeParse(name).success);
  return Promise.all(versions.toSorted().map((version) => loadImage(imagesDir, version)));
}

function printImages(context: CliContext, images: readonly BakedImage[], { json }: ImageFlags): void {
  if (json) {
    const documents = images.map(({ dir, manifest }) => ({ dir, manifest }));
    context.stdout.write(`${JSON.stringify(documents, null, 2)}\n`);
  } else if (images.length === 0) context.stdout.write('No images; bake one with "sprout image bake"\n');
  else
    context.stdout.write(
      renderTable(
        ["kubernetes", "architecture", "system", "container images", "cluster dns", "age", "folder"],
        images.map(({ dir, manifest }) => [
          manifest.kubernetesVersion,
          manifest.architecture,
          `debian ${manifest.debian.codename}`,
          String(manifest.containerImages.length),
          manifest.clusterDns ? "CoreDNS" : "none",
          formatAge(context.now() - Date.parse(manifest.bakedAt)),
          dir,
        ]),
      ),
    );
}
