import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyPair } from "#api/credentials.ts";
import { type AlternativeNames, encodeAlternativeNames } from "./alternative-names.ts";
import {
  type Der,
  bitString,
  boolean,
  explicitTag,
  implicitTag,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  toBytes,
  utf8String,
} from "./der.ts";
import { type Issuer, keyIdentifier } from "./issuer.ts";

export type Usage = "server" | "client";

export interface CertificateRequest {
  subject: { commonName: string; organizations?: readonly string[] };
  /** Milliseconds since the epoch. */
  now: number;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** How long before `now` the certificate becomes valid, for machines whose clock is behind. Default: one hour. */
  backdateMs?: number;
  usages: readonly Usage[];
  alternativeNames?: AlternativeNames;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/**
 * Creates an ECDSA P-256 key and its certificate, both PEM; the key as kubeadm writes it ("EC PRIVATE KEY", SEC 1).
 * node-forge cannot use EC keys, so it only encodes the to-be-signed part, and node:crypto signs.
 * Throws if the request has no subject, an invalid name or address, or an impossible time.
 */
export function issueCertificate(request: CertificateRequest, issuer: Issuer): KeyPair {
  const names = request.alternativeNames ?? { dnsNames: [], addresses: [] };
  const nameless = names.dnsNames.length + names.addresses.length === 0;
  if (request.usages.length === 0) throw refusal(request, "it has no usage");
  if (nameless && request.usages.includes("server")) throw refusal(request, "a server needs a DNS name or an address");
  return build(request, issuer, [
    extension("2.5.29.15", namedBits([keyUsage.digitalSignature]), true),
    extension("2.5.29.37", sequence(...request.usages.map((usage) => objectIdentifier(extendedKeyUsage[usage])))),
    extension("2.5.29.19", sequence(), true),
    ...(nameless ? [] : [extension("2.5.29.17", sequence(...encodeNames(request, names)))]),
  ]);
}

/** Creates a self-signed certificate authority. */
export function createAuthority(request: Omit<CertificateRequest, "usages" | "alternativeNames">): KeyPair {
  return build(request, "self-signed", [
    extension("2.5.29.15", namedBits([keyUsage.digitalSignature, keyUsage.keyCertSign]), true),
    extension("2.5.29.19", sequence(boolean(true)), true),
  ]);
}

// RFC 8813 forbids keyEncipherment with EC keys, which kubeadm sets for RSA and EC alike.
const keyUsage = { digitalSignature: 0, keyCertSign: 5 };
const extendedKeyUsage = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" };
const ecPublicKey = "1.2.840.10045.2.1";
const p256 = "1.2.840.10045.3.1.7";
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";

function build(
  request: Omit<CertificateRequest, "usages">,
  issuer: Issuer | "self-signed",
  extensions: Der[],
): KeyPair {
  check(request);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // The bare point is wrapped below, because node:crypto takes five times as long to export SubjectPublicKeyInfo.
  const point = publicKey.export({ format: "raw-public" });
  const subject = encodeSubject(request.subject);
  const subjectKey = keyIdentifier(point);
  const signer = issuer === "self-signed" ? { name: subject, keyIdentifier: subjectKey, key: privateKey } : issuer;
  const algorithm = sequence(objectIdentifier(ecdsaWithSha256));
  const toBeSigned = sequence(
    explicitTag(0, integer(Uint8Array.of(2))),
    integer(serialNumber()),
    algorithm,
    signer.name,
    sequence(time(request.now - (request.backdateMs ?? hourMs)), time(request.notAfter)),
    subject,
    sequence(sequence(objectIdentifier(ecPublicKey), objectIdentifier(p256)), bitString(point)),
    explicitTag(
      3,
      sequence(
        ...extensions,
        extension("2.5.29.14", octetString(subjectKey)),
        extension("2.5.29.35", sequence(implicitTag(0, signer.keyIdentifier))),
      ),
    ),
  );
  const signature = sign("sha256", toBytes(toBeSigned), signer.key);
  return {
    certificate: toPem(toBytes(sequence(toBeSigned, algorithm, bitString(signature)))),
    key: privateKey.export({ type: "sec1", format: "pem" }),
  };
}

function check(request: Omit<CertificateRequest, "usages">) {
  const { commonName, organizations = [] } = request.subject;
  // oxlint-disable-next-line no-control-regex -- finds control characters
  if ([commonName, ...organizations].some((part) => part === "" || /[\u0000-\u001f\u007f]/.test(part)))
    throw refusal(request, "the subject has an empty part or a control character");
  const notBefore = request.now - (request.backdateMs ?? hourMs);
  // RFC 5280 cannot express a later year.
  const latest = Date.UTC(9999, 11, 31, 23, 59, 59);
  if (!(notBefore >= 0 && request.now < request.notAfter && request.notAfter <= latest))
    throw refusal(request, "its validity must start after 1969, and end after now and before the year 10000");
}

function encodeNames(request: CertificateRequest, names: AlternativeNames): Der[] {
  try {
    return encodeAlternativeNames(names);
  } catch (cause) {
    throw refusal(request, (cause as Error).message, cause);
  }
}

const refusal = (request: Omit<CertificateRequest, "usages">, why: string, cause?: unknown) =>
  new Error(`Cannot issue certificate for "${request.subject.commonName}": ${why}`, { cause });

function encodeSubject({ commonName, organizations = [] }: CertificateRequest["subject"]): Der {
  return sequence(...organizations.map((name) => attribute("2.5.4.10", name)), attribute("2.5.4.3", commonName));
}

const attribute = (oid: string, value: string) => set(sequence(objectIdentifier(oid), utf8String(value)));

function extension(oid: string, value: Der, critical = false): Der {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(toBytes(value)));
}

/** Returns 128 random bits, the top two fixed as 01: never zero, never negative, always the shortest encoding. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
