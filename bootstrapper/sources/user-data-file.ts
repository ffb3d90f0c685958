import { createHash } from "node:crypto";
import { below, readDocument, readHostFile } from "../machine/files.ts";
import { cloudInitBeginning } from "../parse.ts";
import type { UserDataSource } from "./source.ts";

const ownFile = "/etc/sprout/user-data.json";
/** Seed folders of cloud-init's NoCloud (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html). */
const noCloudFiles = ["/var/lib/cloud/seed/nocloud/user-data", "/var/lib/cloud/seed/nocloud-net/user-data"];
export const userDataFiles = [ownFile, ...noCloudFiles];

interface FoundUserData {
  source?: UserDataSource;
  /** A NoCloud file that is for cloud-init itself, which may write Sprout's seed. */
  ofCloudInit?: string;
}

/** Returns the first of these files that exists and is not cloud-init's own. */
export async function findUserDataFile(root: string): Promise<FoundUserData> {
  let ofCloudInit: string | undefined;
  for (const file of userDataFiles) {
    const path = below(root, file);
    // cloud-init's own may hold anything, not only UTF-8.
    if (file !== ownFile && cloudInitBeginning.test((await readHostFile(path)) ?? "")) {
      ofCloudInit ??= file;
      continue;
    }
    const userData = await readDocument(path, `user-data of ${file}`);
    if (userData !== undefined) return { source: toUserDataSource(userData, { where: file }) };
  }
  return ofCloudInit === undefined ? {} : { ofCloudInit };
}

/** Makes a source of the text. The same text on another instance is another allocation. */
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
