import { readFile } from "node:fs/promises";
import { ClusterPki } from "#api/cluster-pki.ts";
import type { LaunchSecrets } from "../../../images/launch-secrets.ts";
import { type CliContext, styleOf } from "../context.ts";
import { readPki, readUserDataKey } from "../pki/files.ts";

export interface LaunchSecretFlags {
  userDataKey?: string;
  clusterPki?: string;
  clusterPkiCommand?: string;
}

/** Throws CliError where a file is not what it should be, or open to others. Says loudly what a shared authority means. */
export async function readLaunchSecrets(
  { userDataKey, clusterPki, clusterPkiCommand }: LaunchSecretFlags,
  context: CliContext,
): Promise<LaunchSecrets> {
  const pki = clusterPki === undefined ? undefined : await readPki<ClusterPki>(clusterPki, ClusterPki);
  if (pki !== undefined) {
    const style = styleOf(context, context.stderr);
    context.stderr.write(`${style("red", "WARNING:")} ${warnings[pki.role]}\n`);
  }
  return {
    ...(userDataKey === undefined ? {} : { userDataKey: `${await readUserDataKey(userDataKey)}\n` }),
    ...(pki === undefined ? {} : { clusterPki: `${JSON.stringify(pki)}\n` }),
    ...(clusterPkiCommand === undefined ? {} : { clusterPkiCommand: await readFile(clusterPkiCommand, "utf8") }),
  };
}

const warnings = {
  "control-plane":
    "all clusters of this image have ONE AUTHORITY, and each of its machines, workers too, has its keys: " +
    "whoever reads the image or one machine's disk is administrator of them all",
  worker: "all clusters of this image have ONE JOIN TOKEN: whoever reads the image can join each while it comes up",
};
