import { readdir } from "node:fs/promises";
import type { Command } from "commander";
import { KubernetesVersion } from "#api/name.ts";
import { loadImage, type BakedImage } from "../../../images/baked-image.ts";
import { KernelPackageName } from "../../../images/manifest.ts";
import { officialReleaseUrl } from "../../../images/kubernetes/release.ts";
import type { CliContext } from "../context.ts";
import { formatAge } from "../display/duration.ts";
import { renderTable } from "../display/table.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { collect } from "../flags.ts";
import type { AddCommands } from "../program.ts";
import { addKubernetesOptions, type KubernetesFlags } from "./kubernetes-flags.ts";
import { bakeThisInstance } from "./ami.ts";
import { readLaunchSecrets } from "./launch-secrets.ts";
import { imagesDirOf, prepareImage } from "./prepare.ts";

interface ImageFlags {
  cacheDir: string;
  json?: boolean;
}

interface BakeFlags extends ImageFlags, KubernetesFlags {
  refreshPackages?: boolean;
  templates?: string;
  networkManifest?: string[];
  ifNeeded?: boolean;
  networkBoot?: boolean;
  kernel?: string;
  userDataKey?: string;
  clusterPki?: string;
  clusterPkiCommand?: string;
  ami?: boolean;
}

/** `sprout image …`: the machine images on this host. */
export const addImageCommands: AddCommands = (program, context, end) => {
  const image = program.command("image").description("bake and list machine images on this host");

  addKubernetesOptions(image.command("bake"), context.environment)
    .description("bake the machine image (root; 6 to 9 minutes more where Kubernetes is compiled first)")
    .option("--cache-dir <DIR>", "what is fetched or built once", context.environment.cacheDir)
    .option("--refresh-packages", "the archive's latest Debian packages instead of the cached ones")
    .option("--templates <DIR>", "each file in it takes the place of the project's template of the same path")
    .option("--network-manifest <FILE>", "a CNI plugin's manifest to put in; may be repeated", collect)
    .option("--network-boot", "kernel, initrd and root images too, for machines that boot over the network or a disk")
    .option("--kernel <PACKAGE>", "Debian's kernel for those: linux-image-amd64 for servers (linux-image-cloud-amd64)")
    .option("--user-data-key <FILE>", "put in what opens sealedPki of its machines' user-data (sprout pki key)")
    .option(
      "--cluster-pki <FILE>",
      "put in authorities or join token (sprout pki new): ONE FOR ALL CLUSTERS of this image, on all of its machines",
    )
    .option("--cluster-pki-command <FILE>", "put in a program that prints them: control-plane|worker NAME DOMAIN")
    .option("--if-needed", "only if there is none, or its inputs have changed")
    .option("--ami", "into the root of this Debian EC2 instance, of which an AMI is then made (docs/ec2.md)")
    .action(async (_flags, command: Command) => {
      const flags = command.optsWithGlobals<BakeFlags>();
      const kernel = KernelPackageName.optional().safeParse(flags.kernel);
      if (!kernel.success)
        throw new CliError(exitCodes.usage, `Cannot use --kernel: it ${kernel.error.issues[0]?.message}`);
      const options = {
        ...flags,
        networkManifests: flags.networkManifest,
        launchSecrets: await readLaunchSecrets(flags, context),
      };
      if (flags.ami) {
        checkAmiFlags(flags);
        printImages(context, [{ dir: "/", manifest: await bakeThisInstance(context, options) }], flags);
      } else {
        const { image: baked } = await prepareImage(context, { ...options, force: !flags.ifNeeded });
        printImages(context, [baked], flags);
      }
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

function checkAmiFlags(flags: BakeFlags): void {
  const others = { "--network-boot": flags.networkBoot, "--kernel": flags.kernel, "--if-needed": flags.ifNeeded };
  const given = Object.entries(others).flatMap(([name, value]) => (value ? [name] : []));
  if (given.length > 0)
    throw new CliError(
      exitCodes.usage,
      `Cannot use --ami with ${given.join(", ")}: an AMI has the instance's own kernel and is baked once`,
    );
}

async function listImages(imagesDir: string): Promise<BakedImage[]> {
  const names = await readdir(imagesDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const { compare } = new Intl.Collator("en", { numeric: true });
  const versions = names.filter((name) => KubernetesVersion.safeParse(name).success);
  return Promise.all(versions.toSorted(compare).map((version) => loadImage(imagesDir, version)));
}

function printImages(
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

/** A mirror is named, and so is where the container images are from. */
function describeOrigin({ origin, imageRepository }: BakedImage["manifest"]): string {
  const names = { modules: "Go modules", binaries: "given programs", release: "official release" };
  if (origin.kind !== "release") return names[origin.kind];
  const mirror = origin.releaseUrl === officialReleaseUrl ? names.release : origin.releaseUrl;
  return imageRepository === undefined ? mirror : `${mirror}, ${imageRepository}`;
}

/** What a machine fetches, in megabytes. */
function describeNetworkBoot({ networkBoot }: BakedImage["manifest"]): string {
  if (networkBoot === undefined) return "none";
  const bytes = networkBoot.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `linux ${networkBoot.kernelVersion}, ${Math.round(bytes / 1e6)} MB`;
}
