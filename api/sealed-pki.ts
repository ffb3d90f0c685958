import { z } from "zod";
import { openAesGcm, sealAesGcm } from "#lib/aes-gcm.ts";
import type { Role } from "./name.ts";

/** AES-256-GCM in base64url: nonce, tag, ciphertext. Part of a machine's user-data. */
export const SealedPki = z.base64url("what sprout pki seal printed").min(40);

/** The key of an image, as in its file: 256 bits in base64url. */
export const UserDataKey = z.string("256 bits in base64url").regex(/^[A-Za-z0-9_-]{43}$/);

/** What a sealed part is for. The sealed bytes do not contain it, but open only for this role of this cluster. */
export interface SealedFor {
  role: Role;
  apiServerDomain: string;
}

export const sealPki = (key: string, plaintext: string, sealedFor: SealedFor): string =>
  sealAesGcm(toBytes(key), Buffer.from(plaintext), associatedData(sealedFor)).toString("base64url");

/** Throws if the text was changed, or sealed by another key, for another role or for another cluster. */
export const openPki = (key: string, sealed: string, sealedFor: SealedFor): string =>
  openAesGcm(toBytes(key), toBytes(sealed), associatedData(sealedFor)).toString();

const toBytes = (text: string) => Buffer.from(text, "base64url");

const associatedData = ({ role, apiServerDomain }: SealedFor) =>
  Buffer.from(JSON.stringify(["sprout-cluster-pki-1", role, apiServerDomain]));
