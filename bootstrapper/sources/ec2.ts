import { InstanceIdentity } from "#api/instance-identity.ts";
import { BootstrapError } from "../errors.ts";
import { below, readHostFile } from "../machine/files.ts";
import { parseServerUserData } from "../user-data/server-document.ts";
import { readInstanceMetadata } from "./instance-metadata.ts";

const dataSourceFile = "/etc/sprout/data-source";
const paths = [
  "/latest/meta-data/ami-launch-index",
  "/latest/dynamic/instance-identity/document",
  "/latest/dynamic/instance-identity/signature",
];

/** Whether the image was made for EC2. It then uses no other source. */
export const isImageForEc2 = async (root: string): Promise<boolean> =>
  (await readHostFile(below(root, dataSourceFile)))?.trim() === "ec2";

interface Ec2Source {
  server: string;
  ca: string;
  capability: string;
  instanceIdentity: InstanceIdentity;
}

/**
 * Reads what the metadata server wrote into the user-data, and what EC2 signs for this instance. Throws BootstrapError.
 */
export async function readEc2Source(
  imdsUrl: URL,
  { userData, signal }: { userData: string; signal: AbortSignal },
): Promise<Ec2Source> {
  const { server, ca, capabilities } = parseServerUserData(userData, "EC2 user-data");
  const what = "the instance's identity";
  const [launchIndex = "0", document = "", signature = ""] = await readInstanceMetadata(imdsUrl, {
    paths,
    what,
    signal,
  });
  const capability = capabilities[Number(launchIndex)];
  if (capability === undefined)
    throw new BootstrapError(
      "invalid-input",
      `Cannot use EC2 user-data: it has ${capabilities.length} capabilities, none for launch index ${launchIndex}`,
    );
  const identity = InstanceIdentity.safeParse({ document, signature });
  if (!identity.success)
    throw new BootstrapError(
      "invalid-input",
      "Cannot identify this instance: EC2 has no signed identity document for it",
    );
  return { server, ca, capability, instanceIdentity: identity.data };
}
