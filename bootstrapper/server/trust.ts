import { X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { BootstrapError, RetryableError } from "../errors.ts";
import { retryRequest } from "../poll.ts";

const attemptTimeoutMs = 10_000;

/** The pinned authority, or its hash if the certificate itself did not fit on a kernel command line. */
export type Trust = { ca: string } | { caSha256: string };

/**
 * Returns the authority to trust, as PEM. With a hash alone, it asks the server once for its chain, and trusts the
 * certificate with this hash in full. Nothing is sent before that.
 */
export async function resolveTrust(trust: Trust, server: URL, signal: AbortSignal): Promise<string> {
  if ("ca" in trust) return readAuthorities(trust.ca);
  const chain = await retryRequest(() => askChain(server, signal), { signal, failure: `Cannot reach ${server.host}` });
  const found = chain.find(({ fingerprint256 }) => toHex(fingerprint256) === trust.caSha256);
  if (found === undefined)
    throw new BootstrapError(
      "invalid-input",
      `Cannot trust ${server.host}: no certificate of its chain has the pinned SHA-256 ${trust.caSha256}`,
    );
  return new X509Certificate(found.raw).toString();
}

/**
 * Returns every certificate of the file: two authorities are trusted while one replaces the other. Throws
 * BootstrapError.
 */
export function readAuthorities(pem: string): string {
  try {
    const found = pem.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? [pem];
    return found.map((one) => new X509Certificate(one).toString()).join("");
  } catch (cause) {
    throw new BootstrapError("invalid-input", "Cannot use the pinned authority: it is not a certificate in PEM", {
      cause,
    });
  }
}

/** Whether `ca` signed the server's certificate, by any clock. */
export async function isSignedBy(ca: string, server: URL, signal: AbortSignal): Promise<boolean> {
  const [leaf] = await readChain(server, signal);
  if (leaf === undefined) return false;
  return new X509Certificate(leaf.raw).verify(new X509Certificate(ca).publicKey);
}

/** Asks once for the chain. Every error before there is anything to trust counts as transient. */
async function askChain(server: URL, signal: AbortSignal): Promise<DetailedPeerCertificate[]> {
  return readChain(server, AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)])).catch((cause: Error) => {
    throw new RetryableError(cause.message, { cause });
  });
}

async function readChain(server: URL, signal: AbortSignal): Promise<DetailedPeerCertificate[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: server.hostname,
        port: Number(server.port || 443),
        servername: servername(server),
        rejectUnauthorized: false,
      },
      () => {
        resolve(toChain(socket.getPeerCertificate(true)));
        socket.destroy();
      },
    );
    const abort = () => socket.destroy(new Error("no answer in time"));
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", reject).once("close", () => signal.removeEventListener("abort", abort));
  });
}

function toChain(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let next = leaf; next?.raw !== undefined && !chain.includes(next); next = next.issuerCertificate)
    chain.push(next);
  return chain;
}

/** A server name must not be an address (RFC 6066 §3). */
const servername = (server: URL) => (/^[\d.]+$|:/.test(server.hostname) ? "" : server.hostname);
const toHex = (fingerprint: string) => fingerprint.replaceAll(":", "").toLowerCase();
