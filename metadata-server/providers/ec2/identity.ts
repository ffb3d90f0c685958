import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import type { InstanceIdentity } from "#api/instance-identity.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import type { LaunchedMachine } from "../../store/records.ts";

/** The fields that matter of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html. */
const IdentityDocument = z.object({
  accountId: z.string(),
  region: z.string(),
  instanceId: z.string(),
  imageId: z.string(),
  privateIp: z.string(),
  pendingTime: z.iso.datetime(),
});

/** Allowed difference between the launch time of RunInstances and the document's pending time. */
const launchToleranceMs = 5 * 60_000;

const expectations = [
  ["accountId", "account"],
  ["region", "region"],
  ["instanceId", "instance"],
  ["imageId", "image"],
  ["privateIp", "private address"],
] as const;

/**
 * Returns why the document is not that of the launched instance; undefined if it is. Verifies the signature over the
 * plain document (RSA, SHA-256); EC2's other two signatures are CMS, which node:crypto does not read.
 */
export function doubtIdentity(
  launched: LaunchedMachine,
  identity: InstanceIdentity | undefined,
  keys: readonly KeyObject[],
): string | undefined {
  if (identity === undefined) return "it shows no instance-identity document";
  if (!isSigned(identity, keys)) return "its instance-identity document has no signature of this region's certificates";
  const parsed = IdentityDocument.safeParse(parseJsonOrNothing(identity.document));
  if (!parsed.success) return "its instance-identity document lacks fields that EC2 writes";
  const wrong = expectations.flatMap(([field, name]) => {
    const expected = launched.identity[field];
    return parsed.data[field] === expected ? [] : [`${name} ${parsed.data[field]} instead of ${expected}`];
  });
  const offsetMs = Date.parse(parsed.data.pendingTime) - Date.parse(launched.identity["launchTime"] ?? "");
  if (!(Math.abs(offsetMs) <= launchToleranceMs))
    wrong.push(`launched at ${parsed.data.pendingTime} instead of ${launched.identity["launchTime"]}`);
  return wrong.length === 0 ? undefined : `its instance-identity document says ${wrong.join(", ")}`;
}

function isSigned({ document, signature }: InstanceIdentity, keys: readonly KeyObject[]): boolean {
  const bytes = Buffer.from(signature, "base64");
  return keys.some((key) => verify("RSA-SHA256", Buffer.from(document), key, bytes));
}
