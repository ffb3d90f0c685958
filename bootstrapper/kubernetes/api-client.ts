import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import type { KeyPair } from "#api/credentials.ts";
import type { HttpAnswer } from "#lib/http-request.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { isTransientStatus } from "#lib/transient-errors.ts";
import { toBootstrapError } from "../errors.ts";
import { poll } from "../poll.ts";
import { httpsRequest } from "../server/https-request.ts";

/** How a client authenticates: by certificate, or by bootstrap token. */
export type Client = KeyPair | { token: string };

interface KubernetesApiOptions {
  /** `https://host:port` with an address: the certificate is checked against it, and no name is resolved. */
  url: string;
  /** PEM of the cluster's authority. */
  ca: string;
  client?: Client;
  /** Limit of one attempt. */
  attemptTimeoutMs?: number;
}

/** The few calls that the bootstrapper makes to an API server, as JSON. */
export interface KubernetesApi extends Disposable {
  /** Returns the parsed answer, or undefined for 404. Throws on any other status than 200. */
  get<T>(path: string, signal: AbortSignal): Promise<T | undefined>;
  /** Returns the status of `path`, also if it is an error. */
  status(path: string, signal: AbortSignal): Promise<number>;
  /** JSON merge patch (RFC 7386). Retries until the server is ready. Throws BootstrapError `kubernetes`. */
  merge(path: string, patch: object, signal: AbortSignal): Promise<void>;
  /** Server-side apply of a YAML or JSON object: creates or updates it. Retries as `merge` does. */
  apply(path: string, manifest: string, signal: AbortSignal): Promise<void>;
  /** Deletes an object. A missing one is no error. */
  delete(path: string, signal: AbortSignal): Promise<void>;
  /** Opens an endless answer, such as a watch. */
  stream(path: string, signal: AbortSignal): Promise<IncomingMessage>;
}

class KubernetesApiError extends Error {
  override name = "KubernetesApiError";
  readonly status: number;
  constructor(path: string, { status, body }: Pick<HttpAnswer, "status" | "body">) {
    super(`${path.split("?")[0]} answered ${status}${messageOf(body)}`);
    this.status = status;
  }
}

const retryIntervalMs = 200;
const maxBytes = 64 * 1024 * 1024;

export function createKubernetesApi(options: KubernetesApiOptions): KubernetesApi {
  const { ca, client, attemptTimeoutMs = 10_000 } = options;
  const base = new URL(options.url);
  const pair = client !== undefined && "key" in client ? { cert: client.certificate, key: client.key } : {};
  const own = client !== undefined && "token" in client ? { authorization: `Bearer ${client.token}` } : undefined;
  const tls = { ca, ...pair };
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 8 });

  const call = (path: string, signal: AbortSignal, extra: Partial<Parameters<typeof httpsRequest>[0]> = {}) =>
    httpsRequest({
      url: new URL(path, base),
      agent,
      maxBytes,
      ...extra,
      headers: { ...own, ...extra.headers },
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
    });
  /** Sends an idempotent change, and retries it: an API server that has just started takes its time. */
  const change = async (path: string, signal: AbortSignal, extra: Partial<Parameters<typeof httpsRequest>[0]>) => {
    const attempt = async () => {
      const answer = await call(path, signal, extra);
      if (answer.status < 300) return answer;
      const error = new KubernetesApiError(path, answer);
      throw isTransientStatus(answer.status) ? error : toBootstrapError(error, "kubernetes");
    };
    await poll(attempt, { signal, intervalMs: retryIntervalMs, failure: `Cannot change ${path.split("?")[0]}` });
  };

  return {
    async get<T>(path: string, signal: AbortSignal) {
      const answer = await call(path, signal);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new KubernetesApiError(path, answer);
      return JSON.parse(answer.body) as T;
    },
    status: async (path, signal) => (await call(path, signal)).status,
    merge: (path, patch, signal) =>
      change(path, signal, {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json" },
        body: JSON.stringify(patch),
      }),
    apply: (path, manifest, signal) =>
      change(`${path}?fieldManager=sprout&force=true`, signal, {
        method: "PATCH",
        headers: { "content-type": "application/apply-patch+yaml" },
        body: manifest,
      }),
    async delete(path, signal) {
      const answer = await call(path, signal, { method: "DELETE" });
      if (answer.status >= 300 && answer.status !== 404) throw new KubernetesApiError(path, answer);
    },
    stream: (path, signal) =>
      new Promise((resolve, reject) => {
        const outgoing = request(new URL(path, base), { agent, signal, headers: { ...own } }, (incoming) => {
          if (incoming.statusCode === 200) return resolve(incoming);
          incoming.resume();
          reject(new KubernetesApiError(path, { status: incoming.statusCode ?? 0, body: "" }));
        });
        outgoing.once("error", reject).end();
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function messageOf(body: string): string {
  const status = parseJsonOrNothing(body) as { message?: unknown } | null | undefined;
  return typeof status?.message === "string" ? `: ${status.message.slice(0, 500)}` : "";
}
