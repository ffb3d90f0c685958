import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import type { KeyPair } from "#api/credentials.ts";
import { toBootstrapError } from "../errors.ts";
import { poll } from "../poll.ts";
import { type HttpsAnswer, httpsRequest } from "../server/https-request.ts";

/** Who calls: by a client certificate, or by a bootstrap token. */
export type Client = KeyPair | { token: string };

export interface KubernetesApiOptions {
  /** `https://host:port`, by address: a certificate is checked against it, no resolver is asked. */
  url: string;
  /** PEM of the cluster's authority. */
  ca: string;
  client?: Client;
  /** For one attempt. */
  attemptTimeoutMs?: number;
}

/** The few calls that the bootstrapper makes of an API server, as JSON. */
export interface KubernetesApi {
  /** The parsed answer, or undefined for 404. Throws on any other status than 200. */
  get<T>(path: string, signal: AbortSignal): Promise<T | undefined>;
  /** The status of `path`, whatever it is. */
  status(path: string, signal: AbortSignal): Promise<number>;
  /** JSON merge patch (RFC 7386). Asked again where the server is not ready for it; throws BootstrapError `kubernetes`. */
  merge(path: string, patch: object, signal: AbortSignal): Promise<void>;
  /** Server-side apply of a YAML or JSON object: creates it or makes it so. Asked again as `merge` is. */
  apply(path: string, manifest: string, signal: AbortSignal): Promise<void>;
  /** No error where it is gone already. */
  delete(path: string, signal: AbortSignal): Promise<void>;
  /** An answer that goes on, such as a watch. */
  stream(path: string, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

export class KubernetesApiError extends Error {
  override name = "KubernetesApiError";
  readonly status: number;
  constructor(path: string, { status, body }: HttpsAnswer) {
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
  /** What comes to the same however often it is sent: an API server that has just started takes its time. */
  const change = async (path: string, signal: AbortSignal, extra: Partial<Parameters<typeof httpsRequest>[0]>) => {
    const attempt = async () => {
      const answer = await call(path, signal, extra);
      if (answer.status < 300) return answer;
      const error = new KubernetesApiError(path, answer);
      throw isPassing(answer.status) ? error : toBootstrapError(error, "kubernetes");
    };
    const failure = { code: "kubernetes", message: `Cannot change ${path.split("?")[0]}` } as const;
    await poll(attempt, { signal, intervalMs: retryIntervalMs, failure });
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
          reject(new KubernetesApiError(path, { status: incoming.statusCode ?? 0, headers: {}, body: "" }));
        });
        outgoing.once("error", reject).end();
      }),
    close: () => agent.destroy(),
  };
}

/** Too many requests, not ready yet, or not itself. */
const isPassing = (status: number) => status === 429 || status >= 500;

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === "string" ? `: ${message.slice(0, 500)}` : "";
  } catch {
    return "";
  }
}
