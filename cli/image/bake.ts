import type { Command } from "commander";
import type { z } from "zod";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { ImageName } from "#api/image-name.ts";
import { KernelPackageName } from "../../images/manifest.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { bakeThisInstance } from "./ami.ts";
import type { KubernetesFlags } from "./kubernetes-flags.ts";
import { readLaunchSecrets } from "./launch-secrets.ts";
import { type ImageFlags, printImages } from "./list.ts";
import { prepareImage } from "./prepare.ts";

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
  name?: string;
}

/** Bakes an image for machines, or this instance's own root for an AMI, and prints it. */
export async function bake(context: CliContext, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<BakeFlags>();
  checkFlag("--kernel", KernelPackageName, flags.kernel);
  checkFlag("--name", ImageName, flags.name);
  const options = {
    ...flags,
    networkManifests: flags.networkManifest,
    launchSecrets: await readLaunchSecrets(flags, context),
  };
  if (flags.ami) {
    checkAmiFlags(flags, { isReleaseGiven: command.getOptionValueSource("debian") === "cli" });
    printImages(context, [{ dir: "/", manifest: await bakeThisInstance(context, options) }], flags);
  } else {
    const { image: baked } = await prepareImage(context, { ...options, force: !flags.ifNeeded });
    printImages(context, [baked], flags);
  }
}

function checkFlag(flag: string, schema: z.ZodType, value: string | undefined): void {
  const { errors } = parseFields(schema.optional(), value, { mayQuote: () => true });
  if (errors) throw new CliError(exitCodes.usage, `Cannot use ${flag}: ${formatFieldErrors(errors)}`);
}

function checkAmiFlags(flags: BakeFlags, { isReleaseGiven }: { isReleaseGiven: boolean }): void {
  const others = {
    "--name": flags.name,
    "--network-boot": flags.networkBoot,
    "--kernel": flags.kernel,
    "--if-needed": flags.ifNeeded,
    "--debian": isReleaseGiven,
  };
  const given = Object.entries(others).flatMap(([name, value]) => (value ? [name] : []));
  if (given.length > 0)
    throw new CliError(
      exitCodes.usage,
      `Cannot use --ami with ${given.join(", ")}: an AMI has the instance's own Debian and kernel, and is baked once`,
    );
}
