import { X509Certificate, createPrivateKey } from "node:crypto";
import { join } from "node:path";
import type { KeyPair } from "#api/credentials.ts";
import { ignoreMissing } from "#lib/files.ts";
import { replaceFile } from "#lib/replace-file.ts";
import { createAuthority, dayMs, issueCertificate } from "./certificate.ts";
import { loadIssuer } from "./issuer.ts";
import { createPrivateFile, readPrivateFile } from "./private-file.ts";

export interface ServerTls {
  /** PEM of the authority that nodes and the command pin. */
  ca: string;
  /** File with the same PEM, for `--ca` and `curl --cacert`. */
  caFile: string;
  certificate: string;
  key: string;
}

// A machine whose clock is behind must still get an answer, to learn that its clock is wrong.
const backdateMs = 30 * dayMs;
const authorityLifetimeMs = 10 * 365 * dayMs;
// It is checked at start only, so the half that is left must outlast any run of the server.
const certificateLifetimeMs = 2 * 365 * dayMs;

/**
 * Loads the server's authority and certificate from `directory`, and creates them on first start. `authority.pem` and
 * `server.pem` have mode 0600 and hold certificate and key, so that no crash can separate them; `ca.crt` is public.
 * Reissues the certificate if names or addresses change or less than half of its time is left, but never the authority,
 * because images pin it. `now` is in milliseconds since the epoch. Throws if a file is damaged or expired, or if other
 * users have access.
 */
export async function loadServerTls(options: {
  directory: string;
  names: readonly string[];
  addresses: readonly string[];
  now: number;
}): Promise<ServerTls> {
  const authority = await loadAuthority(join(options.directory, "authority.pem"), options.now);
  const { certificate, key } = await loadCertificate(authority, options);
  const caFile = join(options.directory, "ca.crt");
  await replaceFile(caFile, authority.certificate, { mode: 0o644, durable: true });
  return { ca: authority.certificate, caFile, certificate, key };
}

async function loadAuthority(file: string, now: number): Promise<KeyPair> {
  const found = await readPair(file);
  if (found === undefined) {
    const subject = { commonName: "Sprout metadata server CA" };
    const authority = createAuthority({ subject, now, backdateMs, notAfter: now + authorityLifetimeMs });
    await createPrivateFile(file, toPem(authority));
    return loadAuthority(file, now);
  }
  if (found.x509.validToDate.getTime() <= now)
    throw new Error(
      `Cannot use ${file}: it expired on ${found.x509.validTo}; remove it to create another, then bake images that pin the new one`,
    );
  return found.pair;
}

async function loadCertificate(
  authority: KeyPair,
  options: { directory: string; names: readonly string[]; addresses: readonly string[]; now: number },
): Promise<KeyPair> {
  const { directory, now } = options;
  const names = [...new Set(options.names)];
  const addresses = [...new Set(options.addresses)];
  const file = join(directory, "server.pem");
  const found = await readPair(file);
  const stillGood =
    found !== undefined &&
    found.x509.verify(new X509Certificate(authority.certificate).publicKey) &&
    found.x509.validToDate.getTime() - now > certificateLifetimeMs / 2 &&
    found.x509.subjectAltName?.split(", ").length === names.length + addresses.length &&
    names.every((name) => found.x509.checkHost(name, { subject: "never" }) === name) &&
    addresses.every((address) => found.x509.checkIP(address) !== undefined);
  if (stillGood) return found.pair;
  const pair = issueCertificate(
    {
      subject: { commonName: "Sprout metadata server" },
      usages: ["server"],
      alternativeNames: { dnsNames: names, addresses },
      now,
      backdateMs,
      notAfter: now + certificateLifetimeMs,
    },
    loadIssuer(authority),
  );
  await replaceFile(file, toPem(pair), { durable: true });
  return pair;
}

const toPem = ({ certificate, key }: KeyPair) => certificate + key;

async function readPair(file: string): Promise<{ pair: KeyPair; x509: X509Certificate } | undefined> {
  const text = await readPrivateFile(file).then(String, ignoreMissing);
  if (text === undefined) return undefined;
  const keyAt = text.indexOf("-----BEGIN EC PRIVATE KEY-----");
  const pair = { certificate: text.slice(0, keyAt), key: text.slice(keyAt) };
  try {
    const x509 = new X509Certificate(pair.certificate);
    if (!x509.checkPrivateKey(createPrivateKey(pair.key))) throw new Error("the key is not the certificate's");
    return { pair, x509 };
  } catch (cause) {
    throw new Error(`Cannot use ${file}: it is damaged; restore it from a backup, or remove it to create another`, {
      cause,
    });
  }
}
