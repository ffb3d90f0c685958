import type { z } from "zod";
import type { KeyPair } from "#api/credentials.ts";
import { messageOf } from "#lib/errors.ts";
import { httpRequest } from "#lib/http-request.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { shorten, toOneLine } from "#lib/quote-value.ts";

interface KubernetesAccess {
  /** `https://ADDRESS:PORT` of each server: its certificate is checked against the address. */
  servers: readonly string[];
  /** PEM of the authority of these servers. */
  ca: string;
  client: KeyPair;
}

export interface KubernetesCall {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** Sent as JSON; with PATCH as a merge patch (RFC 7386). */
  body?: object;
  signal: AbortSignal;
}

export interface KubernetesAnswer {
  status: number;
  /** The parsed answer; undefined if it is not JSON. */
  body: unknown;
}

/** Calls whichever of a cluster's API or etcd servers answers. */
export interface KubernetesApi extends Disposable {
  /** Throws if no server answers. */
  call(call: KubernetesCall): Promise<KubernetesAnswer>;
}

export type OpenKubernetesApi = (access: KubernetesAccess) => KubernetesApi;

/** A server whose machine is gone does not answer at all, and there is another to ask. */
const attemptTimeoutMs = 5000;
/** Twenty pods take 200 KB. The worst JSON of this size takes 40 ms to parse, and a node may be hostile. */
const maxBytes = 512 * 1024;
const maxMessage = 500;

export const openKubernetesApi: OpenKubernetesApi = ({ servers, ca, client }) => {
  const { Agent } = process.getBuiltinModule("node:https");
  const agent = new Agent({ ca, cert: client.certificate, key: client.key, keepAlive: true, maxSockets: 4 });
  let inOrder = [...servers];

  async function ask(server: string, { method, path, body, signal }: KubernetesCall): Promise<KubernetesAnswer> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await httpRequest({
      url: new URL(path, server),
      agent,
      method,
      headers: body === undefined ? {} : { "content-type": type },
      ...(body && { body: JSON.stringify(body) }),
      maxBytes,
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
    });
    return { status: answer.status, body: parseJsonOrNothing(answer.body) };
  }

  return {
    async call(call) {
      const failures: string[] = [];
      for (const server of inOrder)
        try {
          const answer = await ask(server, call);
          if (server !== inOrder[0]) inOrder = [server, ...inOrder.filter((other) => other !== server)];
          return answer;
        } catch (error) {
          call.signal.throwIfAborted();
          failures.push(`${server}: ${messageOf(error)}`);
        }
      throw new Error(`Cannot reach the cluster's API: ${failures.join("; ") || "it has no control plane left"}`);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
};

/** Returns the parsed body of a `200`. Throws if the answer is another one, or of another shape. */
export function readAnswer<T extends z.ZodType>(
  schema: T,
  call: KubernetesCall,
  answer: KubernetesAnswer,
): z.output<T> {
  if (answer.status !== 200) throw unexpectedAnswer(call, answer);
  const { data } = schema.safeParse(answer.body);
  if (data === undefined) throw new Error(`${titleOf(call)} answered 200 with a body of another shape`);
  return data;
}

/** Returns the error of an answer that was not expected, with Kubernetes' own message. */
export function unexpectedAnswer(call: KubernetesCall, { status, body }: KubernetesAnswer): Error {
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
  const words = typeof message === "string" ? `: ${toOneLine(shorten(message, maxMessage))}` : "";
  return new Error(`${titleOf(call)} answered ${status}${words}`);
}

const titleOf = ({ method, path }: KubernetesCall) => `${method} ${path.split("?")[0]}`;
