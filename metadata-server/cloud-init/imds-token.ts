import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { ClusterDependencies } from "../clusters/dependencies.ts";

/** Six hours, as on EC2. */
export const maxTokenTtlSeconds = 21_600;

const expiryBytes = 6;
const nonceBytes = 16;

type Keys = Pick<ClusterDependencies, "serverKeys" | "clock" | "random">;

/**
 * Creates a session token of IMDSv2 for one capability. The server stores nothing: the token holds its expiry, and a
 * code of the server's key over expiry and capability. So it is valid at every replica and after a restart.
 */
export function createImdsToken(
  { serverKeys, clock, random }: Keys,
  { capability, ttlSeconds }: { capability: string; ttlSeconds: number },
): string {
  const expiry = Buffer.alloc(expiryBytes);
  expiry.writeUIntBE(clock.now() + ttlSeconds * 1000, 0, expiryBytes);
  const stated = Buffer.concat([expiry, random(nonceBytes)]);
  return Buffer.concat([stated, authenticate(serverKeys[0], { stated, capability })]).toString("base64url");
}

/** Says whether this server, with any of its keys, issued the token for this capability, and it has not expired. */
export function isImdsToken(
  { serverKeys, clock }: Pick<Keys, "serverKeys" | "clock">,
  { capability, token }: { capability: string; token: string },
): boolean {
  const bytes = Buffer.from(token, "base64url");
  const stated = bytes.subarray(0, expiryBytes + nonceBytes);
  const code = bytes.subarray(expiryBytes + nonceBytes);
  const isOurs = serverKeys.some((key) => {
    const expected = authenticate(key, { stated, capability });
    return code.length === expected.length && timingSafeEqual(code, expected);
  });
  return isOurs && stated.readUIntBE(0, expiryBytes) > clock.now();
}

function authenticate(
  serverKey: Buffer | undefined,
  { stated, capability }: { stated: Uint8Array; capability: string },
): Buffer {
  if (serverKey === undefined) throw new Error("Cannot create a token: the server has no key");
  const key = Buffer.from(hkdfSync("sha256", serverKey, "", "imds-token", 32));
  return createHmac("sha256", key).update(stated).update(capability).digest();
}
