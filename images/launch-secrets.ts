import { createHash } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** For machines that come up without a metadata server; in every machine of the image, so none by default. */
export interface LaunchSecrets {
  /** What opens the sealed part of a machine's user-data. */
  userDataKey?: string | undefined;
  /** The authorities themselves, as JSON: the same for all clusters of this image. */
  clusterPki?: string | undefined;
}

export const launchSecretNames = ["userDataKey", "clusterPki"] as const;

const folder = "etc/sprout";
const files = { userDataKey: "user-data.key", clusterPki: "cluster-pki.json" } as const;

export const listLaunchSecrets = (secrets: LaunchSecrets) =>
  launchSecretNames.filter((name) => secrets[name] !== undefined);

/** Mode 0600. */
export async function installLaunchSecrets(rootfs: string, secrets: LaunchSecrets): Promise<void> {
  await mkdir(join(rootfs, folder), { recursive: true });
  for (const name of listLaunchSecrets(secrets)) {
    const file = join(rootfs, folder, files[name]);
    await writeFile(file, secrets[name] ?? "", { mode: 0o600 });
    await chmod(file, 0o600);
  }
}

/** Tells images with other secrets apart; null without any. */
export function hashLaunchSecrets(secrets: LaunchSecrets): string | null {
  const names = listLaunchSecrets(secrets);
  if (names.length === 0) return null;
  return createHash("sha256")
    .update(JSON.stringify(names.map((name) => [name, secrets[name]])))
    .digest("hex");
}
