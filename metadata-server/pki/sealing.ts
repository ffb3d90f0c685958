import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { keyBytes } from "./server-key.ts";

/** What a secret belongs to. It is not in the sealed bytes: whoever opens them must know it. */
export interface SecretContext {
  clusterId: string;
  /** Null for the secrets of the cluster itself. */
  member: string | null;
  capabilityHash: string | null;
  epoch: number;
}

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
const keyIdBytes = 8;

/** A key of the cluster's own, and the same sealed by the first of the server's keys. */
export function createDataKey(serverKeys: readonly Buffer[], clusterId: string): { key: Buffer; sealed: string } {
  const [serverKey] = serverKeys;
  if (serverKey === undefined) throw new Error("Cannot seal data key: there is no server key");
  const key = randomBytes(keyBytes);
  const sealed = Buffer.concat([keyId(serverKey), seal(serverKey, key, dataKeyContext(clusterId))]);
  return { key, sealed: sealed.toString("base64url") };
}

/** Any of the server's keys opens, so that a new one can be put first while the old ones are still in use. */
export function openDataKey(serverKeys: readonly Buffer[], clusterId: string, sealed: string): Buffer {
  const bytes = Buffer.from(sealed, "base64url");
  const serverKey = serverKeys.find((key) => keyId(key).equals(bytes.subarray(0, keyIdBytes)));
  if (serverKey === undefined)
    throw new Error(
      `Cannot open data key of ${clusterId}: no server key at hand sealed it; add the one that did to the server's keys`,
    );
  try {
    return open(serverKey, bytes.subarray(keyIdBytes), dataKeyContext(clusterId));
  } catch (cause) {
    throw new Error(`Cannot open data key of ${clusterId}: it was changed or belongs to another cluster`, { cause });
  }
}

/** AES-256-GCM: nonce, tag, ciphertext. */
export function sealSecret(dataKey: Buffer, plaintext: Uint8Array, context: SecretContext): Uint8Array {
  return seal(dataKey, plaintext, secretContext(context));
}

/** Throws where the bytes were changed, or sealed by another key or for another context. */
export function openSecret(dataKey: Buffer, sealed: Uint8Array, context: SecretContext): Buffer {
  const data = secretContext(context);
  try {
    return open(dataKey, sealed, data);
  } catch (cause) {
    const owner = context.member ?? "the cluster itself";
    throw new Error(
      `Cannot open secret of ${owner} in ${context.clusterId}: it was changed, or sealed by another key or for another context`,
      { cause },
    );
  }
}

function seal(key: Buffer, plaintext: Uint8Array, associatedData: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(associatedData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

function open(key: Buffer, sealed: Uint8Array, associatedData: Buffer): Buffer {
  const [nonce, tag] = [sealed.subarray(0, nonceBytes), sealed.subarray(nonceBytes, nonceBytes + tagBytes)];
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(associatedData).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
}

// JSON lists of strings, numbers and null: no two contexts read the same.
const dataKeyContext = (clusterId: string) => Buffer.from(JSON.stringify(["sprout-data-key-1", clusterId]));

function secretContext({ clusterId, member, capabilityHash, epoch }: SecretContext): Buffer {
  if (!Number.isSafeInteger(epoch)) throw new Error(`Cannot seal or open secret: epoch ${epoch} is not a whole number`);
  return Buffer.from(JSON.stringify(["sprout-secret-1", clusterId, member, capabilityHash, epoch]));
}

/** Tells keys apart without telling anything about them. */
const keyId = (key: Buffer) =>
  createHash("sha256").update("sprout-server-key-id").update(key).digest().subarray(0, keyIdBytes);
