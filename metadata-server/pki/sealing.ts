import { createHash, randomBytes } from "node:crypto";
import { openAesGcm, sealAesGcm } from "#lib/aes-gcm.ts";
import { keyBytes } from "./server-key.ts";

/** What a secret belongs to. The sealed bytes do not contain it, so the caller must know it to open them. */
export interface SecretContext {
  clusterId: string;
  /** Null for secrets of the whole cluster. */
  member: string | null;
  capabilityHash: string | null;
  epoch: number;
}

const keyIdBytes = 8;

/** Creates a cluster's data key. Returns it together with a copy sealed by the first of the server's keys. */
export function createDataKey(serverKeys: readonly Buffer[], clusterId: string): { key: Buffer; sealed: string } {
  const key = randomBytes(keyBytes);
  return { key, sealed: sealByServer(serverKeys, key, dataKeyContext(clusterId)).toString("base64url") };
}

/** Accepts each of the server's keys, so that a new key can come first while older ones are still in use. */
export function openDataKey(serverKeys: readonly Buffer[], clusterId: string, sealed: string): Buffer {
  return openByServer(serverKeys, Buffer.from(sealed, "base64url"), {
    associatedData: dataKeyContext(clusterId),
    what: `data key of ${clusterId}`,
    otherwise: "belongs to another cluster",
  });
}

/** Seals the user and password of a machine's power controller. They open only for that machine. */
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
  return Buffer.concat([keyId(serverKey), sealAesGcm(serverKey, plaintext, associatedData)]);
}

function openByServer(
  serverKeys: readonly Buffer[],
  sealed: Buffer,
  { associatedData, what, otherwise }: { associatedData: Buffer; what: string; otherwise: string },
): Buffer {
  const serverKey = serverKeys.find((key) => keyId(key).equals(sealed.subarray(0, keyIdBytes)));
  if (serverKey === undefined)
    throw new Error(`Cannot open ${what}: none of the server's keys sealed it; add the one that did`);
  try {
    return openAesGcm(serverKey, sealed.subarray(keyIdBytes), associatedData);
  } catch (cause) {
    throw new Error(`Cannot open ${what}: it was changed or ${otherwise}`, { cause });
  }
}

/** Seals by AES-256-GCM. Returns nonce, tag and ciphertext. */
export function sealSecret(dataKey: Buffer, plaintext: Uint8Array, context: SecretContext): Uint8Array {
  return sealAesGcm(dataKey, plaintext, secretContext(context));
}

/** Opens a sealed secret. Throws if the bytes were changed, or sealed by another key or for another context. */
export function openSecret(dataKey: Buffer, sealed: Uint8Array, context: SecretContext): Buffer {
  const data = secretContext(context);
  try {
    return openAesGcm(dataKey, sealed, data);
  } catch (cause) {
    const owner = context.member ?? "the cluster itself";
    throw new Error(
      `Cannot open secret of ${owner} in ${context.clusterId}: it was changed, or sealed by another key or for another context`,
      { cause },
    );
  }
}

// JSON lists of strings, numbers and null, so that no two contexts are equal as text.
const dataKeyContext = (clusterId: string) => Buffer.from(JSON.stringify(["sprout-data-key-1", clusterId]));

const powerContext = (machineId: string) => Buffer.from(JSON.stringify(["sprout-power-1", machineId]));

function secretContext({ clusterId, member, capabilityHash, epoch }: SecretContext): Buffer {
  if (!Number.isSafeInteger(epoch)) throw new Error(`Cannot seal or open secret: epoch ${epoch} is not a whole number`);
  return Buffer.from(JSON.stringify(["sprout-secret-1", clusterId, member, capabilityHash, epoch]));
}

/** Returns the id (hexadecimal) of the server key that sealed a data key. */
export const sealingKeyId = (sealedDataKey: string): string =>
  Buffer.from(sealedDataKey, "base64url").subarray(0, keyIdBytes).toString("hex");

/** Returns a key's id in hexadecimal. It distinguishes keys and reveals nothing about them. */
export const serverKeyId = (serverKey: Buffer): string => keyId(serverKey).toString("hex");

const keyId = (key: Buffer) =>
  createHash("sha256").update("sprout-server-key-id").update(key).digest().subarray(0, keyIdBytes);
