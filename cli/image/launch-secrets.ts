import { ClusterPki } from "#api/cluster-pki.ts";
import type { LaunchSecrets } from "../../images/launch-secrets.ts";
import { type CliContext, styleOf } from "../context.ts";
import { readGivenFile } from "../read-given-file.ts";
import { readPki, readUserDataKey } from "../pki/files.ts";

interface LaunchSecretFlags {
  userDataKey?: string;
  clusterPki?: string;
  clusterPkiCommand?: string;
}

/**
 * Reads the secrets to bake in, and warns about a shared authority. Throws CliError on an invalid file, or one that
 * others can read.
 */
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
    ...(clusterPkiCommand === undefined ? {} : { clusterPkiCommand: await readGivenFile(clusterPkiCommand) }),
  };
}

const warnings = {
  "control-plane":
    "all clusters of this image have ONE AUTHORITY, and each of its machines, workers too, has its keys: " +
    "access to the image or to one disk makes an attacker administrator of all clusters",
  worker:
    "all clusters of this image have ONE JOIN TOKEN: access to the image lets an attacker join each cluster while it comes up",
};
