import { Agent, type ClientRequestArgs, type IncomingMessage, request as sendRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { callbackify } from "node:util";
import { PowerError } from "../power-error.ts";
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
  /** Parsed; undefined where there is none, or no JSON. */
  body: unknown;
}

/** To one controller. Throws PowerError `untrusted` or `rejected`, or the error of the socket. */
export interface RedfishConnection {
  /** Of the controller, for messages. */
  host: string;
  send(request: RedfishRequest, signal: AbortSignal): Promise<RedfishAnswer>;
  close(): void;
}

const maxBodyBytes = 1024 * 1024;
const maxRedirects = 3;

/** One connection, kept open: a handshake costs a small controller up to a second. */
export function openRedfishConnection(url: URL, { trust }: { trust: CertificateTrust }): RedfishConnection {
  const agent = new TrustingAgent(url, trust);

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
    return { status: response.statusCode ?? 0, headers: response.headers, body: await readJson(response) };
  }

  return {
    host: url.host,
    async send(request, signal) {
      let target = atOrigin(request.path, url);
      for (let redirects = 0; ; redirects += 1) {
        const answer = await sendOnce(target, request, signal);
        const { location } = answer.headers;
        if (![301, 302, 307, 308].includes(answer.status) || location === undefined) return answer;
        if (redirects === maxRedirects) throw new PowerError("rejected", `${url.host} redirects without end`);
        target = atOrigin(new URL(location, target).href, url);
      }
    },
    close: () => agent.destroy(),
  };
}

/** Credentials go to the controller that was named, whatever its answers link to. */
function atOrigin(path: string, base: URL): URL {
  const target = URL.parse(path, base.origin);
  if (target?.origin === base.origin) return target;
  throw new PowerError(
    "rejected",
    `${base.host} refers to ${target?.origin ?? "no valid URL"}; nothing is sent there: if that is its right address, register that`,
  );
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new PowerError("rejected", "its answer is larger than 1 MiB");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

/** Judges the certificate of each connection before the first byte of a request. */
class TrustingAgent extends Agent {
  readonly #url: URL;
  readonly #trust: CertificateTrust;
  constructor(url: URL, trust: CertificateTrust) {
    super({ keepAlive: true });
    this.#url = url;
    this.#trust = trust;
  }

  override createConnection({ signal }: ClientRequestArgs, done?: (error: Error | null, socket: Duplex) => void) {
    const url = this.#url;
    if (url.protocol === "http:") return connectTcp({ host: hostOf(url), port: Number(url.port || 80) });
    callbackify(connectTrusted)({ url, trust: this.#trust, signal }, done ?? (() => undefined));
    return undefined;
  }
}
