import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { PowerError } from "../power-error.ts";

/** How a controller's certificate is known. Fingerprints are SHA-256 of the DER, 64 hexadecimal digits in lower case. */
export type CertificateTrust =
  /** Signed by an authority that Node trusts, or by the one given (PEM), for the name in the URL. */
  | { kind: "authority"; ca?: string }
  /** This certificate and no other, whoever signed it. */
  | { kind: "fingerprint"; sha256: string }
  /** The first one is remembered before anything is sent, and is the only one from then on. */
  | { kind: "first-use"; remember: (sha256: string) => Promise<void> };

export interface TrustedSocketOptions {
  url: URL;
  trust: CertificateTrust;
  signal: AbortSignal | undefined;
}

/** A connection to the controller that was meant. Throws PowerError `untrusted` before anything is sent. */
export async function connectTrusted({ url, trust, signal }: TrustedSocketOptions): Promise<TLSSocket> {
  const host = hostOf(url);
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(trust.kind === "authority" && trust.ca !== undefined && { ca: trust.ca }),
    // Judged below, so that the message can name the fingerprint.
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

/** IPv6 without its brackets. */
export const hostOf = ({ hostname }: URL) => hostname.replace(/^\[(.*)\]$/, "$1");

async function judgeCertificate(socket: TLSSocket, { host, trust }: { host: string; trust: CertificateTrust }) {
  const sha256 = createHash("sha256").update(socket.getPeerCertificate().raw).digest("hex");
  if (trust.kind === "first-use") return trust.remember(sha256);
  if (trust.kind === "fingerprint") {
    if (sha256 === trust.sha256) return undefined;
    throw untrusted(host, `has the fingerprint ${sha256}, not ${trust.sha256}; pin it anew if it was replaced`);
  }
  if (socket.authorized) return undefined;
  const reason = String(socket.authorizationError);
  throw untrusted(host, `is not trusted (${reason}); compare its fingerprint ${sha256} at the controller and pin it`);
}

const untrusted = (host: string, what: string) => new PowerError("untrusted", `The certificate of ${host} ${what}`);
