import { createHash } from "node:crypto";
import { once } from "node:events";
import type { LookupFunction } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { PowerError } from "../power-error.ts";

/** How a controller's certificate is checked. Fingerprints are SHA-256 of the DER, 64 lower-case hexadecimal digits. */
export type CertificateTrust =
  /** Signed for the URL's host name, by `ca` (PEM) or by an authority that Node trusts. */
  | { kind: "authority"; ca?: string }
  /** Only this certificate; its signature does not matter. */
  | { kind: "fingerprint"; sha256: string }
  /** The first certificate is remembered before anything is sent. From then on only this one is trusted. */
  | { kind: "first-use"; remember: (sha256: string) => Promise<void> };

interface TrustedSocketOptions {
  url: URL;
  trust: CertificateTrust;
  lookup: LookupFunction;
  signal: AbortSignal | undefined;
}

/** Connects to the intended controller. Throws PowerError `untrusted` before anything is sent. */
export async function connectTrusted({ url, trust, lookup, signal }: TrustedSocketOptions): Promise<TLSSocket> {
  const host = hostOf(url);
  const socket = connect({
    host,
    port: Number(url.port || 443),
    lookup,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(trust.kind === "authority" && trust.ca !== undefined && { ca: trust.ca }),
    // The certificate is judged below, so that the message can name its fingerprint.
    rejectUnauthorized: false,
  });
  try {
    await once(socket, "secureConnect", { ...(signal && { signal }) });
    await judgeCertificate(socket, { host: url.host, trust });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Returns the host name; an IPv6 address without its brackets. */
export const hostOf = ({ hostname }: URL) => hostname.replace(/^\[(.*)\]$/, "$1");

async function judgeCertificate(socket: TLSSocket, { host, trust }: { host: string; trust: CertificateTrust }) {
  const sha256 = createHash("sha256").update(socket.getPeerCertificate().raw).digest("hex");
  if (trust.kind === "first-use") return trust.remember(sha256);
  if (trust.kind === "fingerprint") {
    if (sha256 === trust.sha256) return undefined;
    throw untrusted(
      host,
      `has the fingerprint ${sha256}, not ${trust.sha256}; pin the new one if the certificate was replaced`,
    );
  }
  if (socket.authorized) return undefined;
  const reason = String(socket.authorizationError);
  throw untrusted(host, `is not trusted (${reason}); compare its fingerprint ${sha256} at the controller and pin it`);
}

const untrusted = (host: string, what: string) => new PowerError("untrusted", `The certificate of ${host} ${what}`);
