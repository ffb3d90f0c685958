import type { Command } from "commander";
import type { DefineCommand } from "../commands.ts";
import { exitCodes } from "../exit-code.ts";
import { collect } from "../flags.ts";
import { addKubernetesOptions, bakeEnvironmentHelp } from "./kubernetes-flags.ts";
import type { ImageFlags } from "./list.ts";

/** `sprout image …`: the machine images on this host. */
export const defineImage: DefineCommand = (image, context, end) => {
  addKubernetesOptions(image.command("bake"), context.environment)
    .description("bake the machine image (root; 6 to 9 more minutes if Kubernetes is compiled)")
    .option("--cache-dir <DIR>", "folder of downloads and builds that are reused", context.environment.cacheDir)
    .option("--name <NAME>", "such as gpu: an image for node pools; the version's default one stays")
    .option("--refresh-packages", "fetch the archive's latest Debian packages, not the cached ones")
    .option("--templates <DIR>", "folder of files that replace the project's templates of the same path")
    .option("--network-manifest <FILE>", "a CNI plugin's manifest to include; repeatable", collect)
    .option(
      "--network-boot",
      "also bake kernel, initrd and root images for machines that boot over the network or from a disk",
    )
    .option("--kernel <PACKAGE>", "Debian's kernel for these: linux-image-amd64 for servers (linux-image-cloud-amd64)")
    .option("--user-data-key <FILE>", "include the key that opens sealedPki in user-data (sprout pki key)")
    .option(
      "--cluster-pki <FILE>",
      "include authorities or join token (sprout pki new): ONE FOR ALL CLUSTERS of this image, on all its machines",
    )
    .option("--cluster-pki-command <FILE>", "include a program that prints them: control-plane|worker NAME DOMAIN")
    .option("--if-needed", "only if the image is missing or its inputs have changed")
    .option("--ami", "bake into the root of this Debian EC2 instance, for an AMI (docs/ami.md)")
    .addHelpText("after", `\nEnvironment:\n${bakeEnvironmentHelp}`)
    .action(async (_flags, command: Command) => {
      const { bake } = await import("./bake.ts");
      await bake(context, command);
      end(exitCodes.ok);
    });

  image
    .command("list")
    .description("list the baked images")
    .option("--cache-dir <DIR>", "folder of the images", context.environment.cacheDir)
    .action(async (_flags, command: Command) => {
      const { list } = await import("./list.ts");
      await list(context, command.optsWithGlobals<ImageFlags>());
      end(exitCodes.ok);
    });
};
