import path from "node:path";
import type { Command } from "commander";
import { exitCodes } from "../exit-code.ts";
import { parseDurationSeconds } from "../flags.ts";
import type { DefineCommand } from "../commands.ts";
import { type ClusterPkiFiles, makeClusterPki, makeUserDataKey, sealForUserData } from "./files.ts";

interface PkiFlags {
  json?: boolean;
  lifetime: number;
}

interface SealFlags {
  key: string;
  apiServerDomain: string;
}

const tenYears = 3650 * 86_400;

/** `sprout pki …`: creates what nodes need to trust each other without a metadata server. */
export const definePki: DefineCommand = (pki, context, end) => {
  pki
    .command("new <DIR>")
    .description("create authorities and join token of one cluster: control-plane.json and worker.json")
    .option(
      "--lifetime <DURATION>",
      "lifetime of the authorities (10 years, as kubeadm's)",
      parseDurationSeconds,
      tenYears,
    )
    .action(async (folder: string, _flags, command: Command) => {
      const { lifetime, json } = command.optsWithGlobals<PkiFlags>();
      const made = await makeClusterPki(folder, { now: context.now(), lifetimeMs: lifetime * 1000 });
      context.stdout.write(json ? `${JSON.stringify(made)}\n` : describe(made));
      end(exitCodes.ok);
    });

  pki
    .command("key <FILE>")
    .description("create an image's key, which opens sealed user-data (sprout image bake --user-data-key)")
    .action(async (file: string) => {
      await makeUserDataKey(file);
      end(exitCodes.ok);
    });

  pki
    .command("seal <DIR>")
    .description("print the field sealedPki of user-data for a master and a node, as JSON")
    .requiredOption("--key <FILE>", "the image's key")
    .requiredOption("--api-server-domain <NAME>", "API_SERVER_DOMAIN of the cluster")
    .action(async (folder: string, _flags, command: Command) => {
      const { key, apiServerDomain } = command.optsWithGlobals<SealFlags>();
      context.stdout.write(`${JSON.stringify(await sealForUserData(folder, { keyFile: key, apiServerDomain }))}\n`);
      end(exitCodes.ok);
    });
};

const describe = ({ controlPlane, worker, caCertHash }: ClusterPkiFiles) =>
  `${path.normalize(controlPlane)}: for control planes; access to it means control of the cluster\n` +
  `${path.normalize(worker)}: for workers; the authority and the join token\n` +
  `authority ${caCertHash}\n`;
