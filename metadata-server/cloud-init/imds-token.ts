import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { ClusterDependencies } from "../clusters/dependencies.ts";

/** As EC2 has it: six hours. */
export const maxTokenTtlSeconds = 21_600;

const expiryBytes = 6;
const nonceBytes = 16;

type Keys = Pick<ClusterDependencies, "serverKeys" | "clock" | "random">;

/**
 * A session token of IMDSv2 for the holder of one capability. Nothing is kept: when it ends and whose it is, is in it, under a
 * code that only this server's key makes, so that it is good at every replica and after a restart.
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

/** Whether this server, with any of its keys, made it for this capability, and it has not ended. */
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
  if (serverKey === undefined) throw new Error("Cannot make a token: the server has no key");
  const key = Buffer.from(hkdfSync("sha256", serverKey, "", "imds-token", 32));
  return createHmac("sha256", key).update(stated).update(capability).digest();
}
