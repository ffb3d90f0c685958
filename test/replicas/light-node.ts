import { createHash } from "node:crypto";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";
import type { Promised } from "./check-history.ts";

export interface LightNodeOptions {
  spec: MachineSpec;
  /** The first control plane proves that all peers are Ready: it waits for them. */
  peersDone: Promise<unknown> | undefined;
  /** Called with each answer that acknowledges something. */
  onPromise: (promised: Promised) => void;
  /** Counts answers and errors that made it repeat a call. */
  onRepeat: (reason: string) => void;
  /** In ms, before each call. */
  pauseMs: number;
  signal: AbortSignal;
}

const patienceMs = 10_000;
const retryMs = 300;
/** What a node repeats a call for, as the bootstrapper does. */
const transientStatus = new Set([429, 503]);

/** The server refuses this machine: it was launched again, with another capability. */
export class Refused extends Error {}

/** A simulated node that only talks: it drives the node API as the bootstrapper does, and starts nothing. */
export async function runLightNode(options: LightNodeOptions): Promise<void> {
  const { spec, onPromise, signal } = options;
  const { clusterId, name: member, allocation, mac, seed } = spec;
  const body = { allocation, hardware: { macs: [mac ?? ""] } };
  await call(options, `/node/v1/metadata?mac=${mac}`, { token: seed.capability });
  const claimed = await call(options, "/node/v1/claim", { token: seed.capability, body });
  const key = fingerprint(Credentials.parse(JSON.parse(claimed)));
  onPromise({ at: Date.now(), clusterId, kind: "claimed", member, machine: mac ?? "", key });
  const confirmed = await call(options, "/node/v1/claim/confirm", { token: seed.capability, body });
  const { reportToken: token } = ClaimConfirmed.parse(JSON.parse(confirmed));
  const phases = ["render", "kubelet", "network", ...(options.peersDone ? ["verify"] : [])];
  for (const [index, phase] of phases.entries()) {
    if (phase === "verify") await options.peersDone;
    signal.throwIfAborted();
    await call(options, "/node/v1/reports", { token, body: { allocation, phase, state: "done", sequence: index + 1 } });
    onPromise({ at: Date.now(), clusterId, kind: "reported", member, phase });
  }
}

const fingerprint = ({ kubelet }: { kubelet?: { serving: { key: string } } }) =>
  createHash("sha256")
    .update(kubelet?.serving.key ?? "")
    .digest("base64url");

/** Repeats the call until it is answered. */
async function call(
  { spec, pauseMs, onRepeat, signal }: LightNodeOptions,
  path: string,
  { token, body }: { token: string; body?: object },
): Promise<string> {
  await sleep(pauseMs, undefined, { signal });
  for (;;) {
    const answer = await send(new URL(path, spec.seed.server), { token, body, ca: spec.seed.ca, signal }).catch(
      (error: unknown) => ({ status: 0, text: (error as NodeJS.ErrnoException).code ?? String(error) }),
    );
    signal.throwIfAborted();
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    if (answer.status === 403) throw new Refused(answer.text);
    if (answer.status !== 0 && !transientStatus.has(answer.status))
      throw new Error(`${spec.name} ${path}: ${answer.status} ${answer.text}`);
    onRepeat(answer.status === 0 ? answer.text : String(answer.status));
    await sleep(retryMs, undefined, { signal });
  }
}

interface Outgoing {
  token: string;
  body?: object | undefined;
  ca: string;
  signal: AbortSignal;
  headers?: Record<string, string>;
}

const agents = new Map<string, Agent>();

/** Every request has its own connection. Parsing an authority takes longer than the rest of one. */
function agentOf(ca: string): Agent {
  const agent = agents.get(ca) ?? new Agent({ keepAlive: false, secureContext: createSecureContext({ ca }) });
  agents.set(ca, agent);
  return agent;
}

/** Sends one request on its own connection. Metadata and events are silent for longer. */
export async function send(
  url: URL,
  { token, body, ca, signal, headers }: Outgoing,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const sent = request(url, {
    method: body === undefined ? "GET" : "POST",
    agent: agentOf(ca),
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { "content-type": "application/json" }),
      ...headers,
    },
  });
  sent.setTimeout(/\/(?:metadata|events)$/.test(url.pathname) ? patienceMs * 3 : patienceMs, () =>
    sent.destroy(Object.assign(new Error("no answer"), { code: "TIMEOUT" })),
  );
  sent.on("response", (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject);
  });
  sent.on("error", reject);
  sent.end(body && JSON.stringify(body));
  return promise;
}
