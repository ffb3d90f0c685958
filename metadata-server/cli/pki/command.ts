import path from "node:path";
import type { Command } from "commander";
import { exitCodes } from "../exit-code.ts";
import { parseDurationSeconds } from "../flags.ts";
import type { AddCommands } from "../program.ts";
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

/** `sprout pki …`: what nodes need of each other when no metadata server makes it for them. Needs no server. */
export const addPkiCommands: AddCommands = (program, context, end) => {
  const pki = program
    .command("pki")
    .description("make a cluster's authorities before its machines are launched, for machines without a server");

  pki
    .command("new <DIR>")
    .description("authorities and join token of one cluster: control-plane.json and worker.json")
    .option("--lifetime <DURATION>", "of the authorities (10 years, as kubeadm's)", parseDurationSeconds, tenYears)
    .action(async (folder: string, _flags, command: Command) => {
      const { lifetime, json } = command.optsWithGlobals<PkiFlags>();
      const made = await makeClusterPki(folder, { now: context.now(), lifetimeMs: lifetime * 1000 });
      context.stdout.write(json ? `${JSON.stringify(made)}\n` : describe(made));
      end(exitCodes.ok);
    });

  pki
    .command("key <FILE>")
    .description("a key for an image (sprout image bake --user-data-key), which opens what its machines are given")
    .action(async (file: string) => {
      await makeUserDataKey(file);
      end(exitCodes.ok);
    });

  pki
    .command("seal <DIR>")
    .description("the field sealedPki of the user-data, for a master and for a node, as JSON")
    .requiredOption("--key <FILE>", "the image's key")
    .requiredOption("--api-server-domain <NAME>", "API_SERVER_DOMAIN of the cluster that it is for")
    .action(async (folder: string, _flags, command: Command) => {
      const { key, apiServerDomain } = command.optsWithGlobals<SealFlags>();
      context.stdout.write(`${JSON.stringify(await sealForUserData(folder, { keyFile: key, apiServerDomain }))}\n`);
      end(exitCodes.ok);
    });
};

const describe = ({ controlPlane, worker, caCertHash }: ClusterPkiFiles) =>
  `${path.normalize(controlPlane)}: for control planes; whoever has it is the cluster\n` +
  `${path.normalize(worker)}: for workers; the authority and the join token\n` +
  `authority ${caCertHash}\n`;
