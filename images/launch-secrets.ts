import { createHash } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Secrets for machines that come up without a metadata server. None by default: every machine of the image has them.
 */
export interface LaunchSecrets {
  /** Key that opens the sealed part of a machine's user-data. */
  userDataKey?: string | undefined;
  /** The authorities themselves, as JSON; all clusters of this image share them. */
  clusterPki?: string | undefined;
  /**
   * A program that fetches the authorities: `control-plane|worker NAME API_SERVER_DOMAIN`. It may hold a secret itself.
   */
  clusterPkiCommand?: string | undefined;
}

export const launchSecretNames = ["userDataKey", "clusterPki", "clusterPkiCommand"] as const;

const folder = "etc/sprout";
const files = {
  userDataKey: { name: "user-data.key", mode: 0o600 },
  clusterPki: { name: "cluster-pki.json", mode: 0o600 },
  clusterPkiCommand: { name: "cluster-pki-command", mode: 0o700 },
} as const;

export const listLaunchSecrets = (secrets: LaunchSecrets) =>
  launchSecretNames.filter((name) => secrets[name] !== undefined);

/** Writes the secrets that are given, readable by root only. */
export async function installLaunchSecrets(rootfs: string, secrets: LaunchSecrets): Promise<void> {
  await mkdir(join(rootfs, folder), { recursive: true });
  for (const name of listLaunchSecrets(secrets)) {
    const { name: file, mode } = files[name];
    await writeFile(join(rootfs, folder, file), secrets[name] ?? "", { mode });
    await chmod(join(rootfs, folder, file), mode);
  }
}

/** Returns a hash that differs between images with different secrets; null without secrets. */
export function hashLaunchSecrets(secrets: LaunchSecrets): string | null {
  const names = listLaunchSecrets(secrets);
  if (names.length === 0) return null;
  return createHash("sha256")
    .update(JSON.stringify(names.map((name) => [name, secrets[name]])))
    .digest("hex");
}
