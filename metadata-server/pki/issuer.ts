import { X509Certificate, type KeyObject, createHash, createPrivateKey } from "node:crypto";
import type { KeyPair } from "#api/credentials.ts";
import { type Der, parseDer } from "./der.ts";

/** An authority that is ready to sign. */
export interface Issuer {
  name: Der;
  keyIdentifier: Uint8Array;
  key: KeyObject;
}

/** Reads an authority that Sprout created. Throws if it is damaged, is no authority, or has another authority's key. */
export function loadIssuer({ certificate, key }: KeyPair): Issuer {
  const { x509, privateKey } = parse(certificate, key);
  if (!x509.ca) throw new Error("Cannot use authority: its certificate is not a certificate authority's");
  if (!x509.checkPrivateKey(privateKey))
    throw new Error("Cannot use authority: its key does not match its certificate");
  const toBeSigned = (parseDer(x509.raw).value as Der[])[0]!.value as Der[];
  // RFC 5280, 4.1: version, serial number, signature, issuer, validity, subject.
  return {
    name: toBeSigned[5]!,
    keyIdentifier: keyIdentifier(x509.publicKey.export({ format: "raw-public" })),
    key: privateKey,
  };
}

function parse(certificate: string, key: string) {
  try {
    return { x509: new X509Certificate(certificate), privateKey: createPrivateKey(key) };
  } catch (cause) {
    throw new Error("Cannot use authority: its PEM is damaged", { cause });
  }
}

/** Returns the first 160 bits of the SHA-256 of the public key's bits (RFC 7093, method 1). */
export const keyIdentifier = (point: Uint8Array): Buffer => createHash("sha256").update(point).digest().subarray(0, 20);
