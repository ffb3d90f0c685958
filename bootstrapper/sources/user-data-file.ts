import { createHash } from "node:crypto";
import { below, readOptional } from "../files.ts";
import type { UserDataSource } from "./discover.ts";

/** Its own, and the seed folders of cloud-init's NoCloud (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html). */
export const userDataFiles = [
  "/etc/sprout/user-data.json",
  "/var/lib/cloud/seed/nocloud/user-data",
  "/var/lib/cloud/seed/nocloud-net/user-data",
];

/** The first that is there. */
export async function findUserDataFile(root: string): Promise<UserDataSource | undefined> {
  for (const file of userDataFiles) {
    const userData = await readOptional(below(root, file));
    if (userData !== undefined) return toUserDataSource(userData, { where: file });
  }
  return undefined;
}

/** The same text given to another instance is another allocation. */
export const toUserDataSource = (
  userData: string,
  { where, instanceId, url }: { where: string; instanceId?: string; url?: URL },
): UserDataSource => ({
  name: "user-data",
  where,
  userData,
  sha256: createHash("sha256")
    .update(JSON.stringify([userData, instanceId ?? null]))
    .digest("hex"),
  ...(url === undefined ? {} : { url }),
});
