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
  const key = randomBytes(keyBytes);
  return { key, sealed: sealByServer(serverKeys, key, dataKeyContext(clusterId)).toString("base64url") };
}

/** Any of the server's keys opens, so that a new one can be put first while the old ones are still in use. */
export function openDataKey(serverKeys: readonly Buffer[], clusterId: string, sealed: string): Buffer {
  return openByServer(serverKeys, Buffer.from(sealed, "base64url"), {
    associatedData: dataKeyContext(clusterId),
    what: `data key of ${clusterId}`,
    otherwise: "belongs to another cluster",
  });
}

/** User and password of a machine's power controller; they open for that machine alone. */
export const sealPowerCredentials = (serverKeys: readonly Buffer[], machineId: string, plaintext: Uint8Array): Buffer =>
  sealByServer(serverKeys, plaintext, powerContext(machineId));

export const openPowerCredentials = (serverKeys: readonly Buffer[], machineId: string, sealed: Buffer): Buffer =>
  openByServer(serverKeys, sealed, {
    associatedData: powerContext(machineId),
    what: `power credentials of ${machineId}`,
    otherwise: "belong to another machine",
  });

function sealByServer(serverKeys: readonly Buffer[], plaintext: Uint8Array, associatedData: Buffer): Buffer {
  const [serverKey] = serverKeys;
  if (serverKey === undefined) throw new Error("Cannot seal: there is no server key");
  return Buffer.concat([keyId(serverKey), seal(serverKey, plaintext, associatedData)]);
}

function openByServer(
  serverKeys: readonly Buffer[],
  sealed: Buffer,
  { associatedData, what, otherwise }: { associatedData: Buffer; what: string; otherwise: string },
): Buffer {
  const serverKey = serverKeys.find((key) => keyId(key).equals(sealed.subarray(0, keyIdBytes)));
  if (serverKey === undefined)
    throw new Error(`Cannot open ${what}: no server key at hand sealed it; add the one that did to the server's keys`);
  try {
    return open(serverKey, sealed.subarray(keyIdBytes), associatedData);
  } catch (cause) {
    throw new Error(`Cannot open ${what}: it was changed or ${otherwise}`, { cause });
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

const powerContext = (machineId: string) => Buffer.from(JSON.stringify(["sprout-power-1", machineId]));

function secretContext({ clusterId, member, capabilityHash, epoch }: SecretContext): Buffer {
  if (!Number.isSafeInteger(epoch)) throw new Error(`Cannot seal or open secret: epoch ${epoch} is not a whole number`);
  return Buffer.from(JSON.stringify(["sprout-secret-1", clusterId, member, capabilityHash, epoch]));
}

/** Tells keys apart without telling anything about them. */
const keyId = (key: Buffer) =>
  createHash("sha256").update("sprout-server-key-id").update(key).digest().subarray(0, keyIdBytes);
