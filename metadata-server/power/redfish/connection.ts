import { Agent, type ClientRequestArgs, type IncomingMessage, request as sendRequest } from "node:http";
import { connect as connectTcp, type LookupFunction } from "node:net";
import type { Duplex } from "node:stream";
import { callbackify } from "node:util";
import { BodyTooLargeError, readText } from "#lib/http-request.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { isLinkLocal } from "#lib/link-local.ts";
import { PowerError } from "../power-error.ts";
import { refuseLinkLocal } from "./safe-lookup.ts";
import { type CertificateTrust, connectTrusted, hostOf } from "./trusted-socket.ts";

export interface RedfishRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** A path, or a URL at the same origin. */
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface RedfishAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  /** Parsed; undefined if the body is empty, truncated or not JSON. */
  body: unknown;
}

/** Connection to one controller. Throws PowerError `untrusted` or `rejected`, or the socket's error. */
export interface RedfishConnection {
  /** The controller's host, for messages. */
  host: string;
  /** The registered one; nothing is sent to another. */
  origin: string;
  send(request: RedfishRequest, signal: AbortSignal): Promise<RedfishAnswer>;
  close(): void;
}

const maxBodyBytes = 1024 * 1024;
const maxRedirects = 3;

interface ConnectionOptions {
  trust: CertificateTrust;
  lookup: LookupFunction;
}

/** Opens a connection and keeps it open: a handshake takes a small controller up to a second. */
export function openRedfishConnection(url: URL, options: ConnectionOptions): RedfishConnection {
  const agent = new TrustingAgent(url, options);

  async function sendOnce(target: URL, { method, headers, body }: RedfishRequest, signal: AbortSignal) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = sendRequest({
      agent,
      signal,
      method,
      host: target.hostname,
      path: target.pathname + target.search,
      headers: {
        host: target.host,
        accept: "application/json",
        "odata-version": "4.0",
        ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        ...headers,
      },
    });
    request.once("response", resolve).once("error", reject).end(text);
    const response = await promise;
    const status = response.statusCode ?? 0;
    return { status, headers: response.headers, body: await readJson(response, status) };
  }

  return {
    host: url.host,
    origin: url.origin,
    async send(request, signal) {
      // Only names are looked up; a record of before may have such an address.
      if (isLinkLocal(url.hostname)) throw refuseLinkLocal(`${url.hostname} is`);
      let target = atOrigin(request.path, url);
      for (let redirects = 0; ; redirects += 1) {
        const answer = await sendOnce(target, request, signal);
        const { location } = answer.headers;
        if (![301, 302, 307, 308].includes(answer.status) || location === undefined) return answer;
        if (redirects === maxRedirects)
          throw new PowerError("rejected", `${url.host} redirects more than ${maxRedirects} times`);
        target = atOrigin(location, url, target);
      }
    },
    close: () => agent.destroy(),
  };
}

/** Reads a body, or nothing of one that is truncated: the status counts. Throws BodyTooLargeError, or the signal's reason. */
async function readJson(response: IncomingMessage, status: number): Promise<unknown> {
  try {
    return parseJsonOrNothing(await readText(response, maxBodyBytes));
  } catch (error) {
    // A request that was aborted rejects with the signal's reason, an AbortError.
    const isWhole = error instanceof BodyTooLargeError || (error instanceof Error && error.name === "AbortError");
    if (status < 400 && isWhole) throw error;
    return undefined;
  }
}

/** Refuses other origins: credentials only go to the named controller, whatever its answers link to. */
function atOrigin(path: string, base: URL, from: URL = new URL(base.origin)): URL {
  const target = URL.parse(path, from);
  if (target?.origin === base.origin) return target;
  throw new PowerError(
    "rejected",
    `${base.host} refers to ${target?.origin ?? "no valid URL"}; nothing was sent there; if that is its right address, register that`,
  );
}

/** Judges the certificate of each connection before the first byte of a request. */
class TrustingAgent extends Agent {
  readonly #url: URL;
  readonly #options: ConnectionOptions;
  constructor(url: URL, options: ConnectionOptions) {
    super({ keepAlive: true });
    this.#url = url;
    this.#options = options;
  }

  override createConnection({ signal }: ClientRequestArgs, done?: (error: Error | null, socket: Duplex) => void) {
    const url = this.#url;
    const { lookup } = this.#options;
    if (url.protocol === "http:") return connectTcp({ host: hostOf(url), port: Number(url.port || 80), lookup });
    callbackify(connectTrusted)({ url, ...this.#options, signal }, done ?? (() => undefined));
    return undefined;
  }
}
