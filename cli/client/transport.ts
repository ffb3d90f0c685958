import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { readText } from "#lib/http-request.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { Connection } from "./connection.ts";

export interface OutgoingRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Path and query. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** Longest silence on the socket. */
  idleTimeoutMs: number;
}

const maxBodyBytes = 64 * 1024 * 1024;

/** Sends a request to the pinned server. Resolves with the head of the answer. */
export function sendRequest(connection: Connection, outgoing: OutgoingRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(
    new URL(outgoing.path, connection.server),
    {
      method: outgoing.method,
      ca: connection.ca,
      signal: outgoing.signal,
      headers: {
        authorization: `Bearer ${connection.token}`,
        ...(outgoing.body === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(outgoing.body) }),
        ...outgoing.headers,
      },
    },
    resolve,
  );
  sent.setTimeout(outgoing.idleTimeoutMs, () =>
    sent.destroy(new Error(`no answer for ${outgoing.idleTimeoutMs / 1000} seconds`)),
  );
  sent.on("error", (error) => reject(toReachError(error, connection, outgoing.signal)));
  sent.end(outgoing.body);
  return promise;
}

/** Reads the whole body. Throws CliError on a truncated one. */
export async function readBody(response: IncomingMessage, connection: Connection, signal: AbortSignal) {
  try {
    return await readText(response, maxBodyBytes);
  } catch (error) {
    signal.throwIfAborted();
    throw new CliError(
      exitCodes.unreachable,
      `Cannot read the answer of ${connection.server.origin}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

const untrusted = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
]);

function toReachError(error: NodeJS.ErrnoException, { server, caFile }: Connection, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const code = error.code ?? "";
  if (untrusted.has(code))
    return new CliError(
      exitCodes.unreachable,
      `Cannot trust ${server.origin}: its certificate is not signed by ${caFile}; give the server's authority with --ca FILE`,
      { cause: error },
    );
  const reasons: Record<string, string> = {
    ECONNREFUSED: "connection refused",
    ENOTFOUND: `${server.hostname} has no known address`,
    ECONNRESET: "connection closed before an answer",
  };
  return new CliError(
    exitCodes.unreachable,
    `Cannot reach ${server.origin}: ${reasons[code] ?? error.message}; start it with "sprout serve", or give --server URL`,
    { cause: error },
  );
}
