import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { z } from "zod";
import type { Role } from "./name.ts";

/** AES-256-GCM in base64url: nonce, tag, ciphertext. Part of a machine's user-data. */
export const SealedPki = z.base64url("must be what sprout pki seal printed").min(40);

/** The key of an image, as its file has it: 256 bits in base64url. */
export const UserDataKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 256 bits in base64url");

/** What a sealed part is for. It is not in the sealed bytes: they open for this role of this cluster alone. */
export interface SealedFor {
  role: Role;
  apiServerDomain: string;
}

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

export function sealPki(key: string, plaintext: string, sealedFor: SealedFor): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, toBytes(key), nonce, { authTagLength: tagBytes });
  cipher.setAAD(associatedData(sealedFor));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString("base64url");
}

/** Throws where it was changed, or sealed by another key, for another role or for another cluster. */
export function openPki(key: string, sealed: string, sealedFor: SealedFor): string {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv(algorithm, toBytes(key), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associatedData(sealedFor)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString();
}

const toBytes = (key: string) => Buffer.from(key, "base64url");

const associatedData = ({ role, apiServerDomain }: SealedFor) =>
  Buffer.from(JSON.stringify(["sprout-cluster-pki-1", role, apiServerDomain]));
