import { z } from "zod";
import { type Clock, pause } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { type KubernetesApi, type KubernetesCall, unexpectedAnswer } from "./api-client.ts";
import { cordonNode, readNode } from "./nodes.ts";
import { Pod, podsToEvict } from "./pods-to-evict.ts";

interface DrainOptions {
  /** Of the Node. */
  name: string;
  /** Milliseconds since the epoch. */
  drainBy: number;
  clock: Clock;
  signal: AbortSignal;
}

export interface DrainResult {
  /** Why the node is not drained; undefined if it is. */
  blockedBy?: string;
}

/** kubectl asks again every 5 s; a node of a test cluster should go sooner. */
const pauseMs = 1000;
const mostNamed = 5;

const PodList = z.object({ items: z.array(Pod) });

/**
 * Cordons a Node and evicts its pods until none is left or the time is up, as `kubectl drain` does: PodDisruptionBudgets
 * hold, a pod gets its grace period. Pods of a node that is not Ready never end, so only their eviction counts. API
 * servers that are out of reach are asked again until the time is up.
 */
export async function drainNode(api: KubernetesApi, options: DrainOptions): Promise<DrainResult> {
  const { clock, drainBy, signal } = options;
  for (;;) {
    const blockedBy = await attemptDrain(api, options).catch((error: unknown) => messageOf(error));
    signal.throwIfAborted();
    if (blockedBy === undefined) return {};
    if (clock.now() >= drainBy) return { blockedBy };
    await pause(clock, { delayMs: Math.min(pauseMs, drainBy - clock.now()), signal });
  }
}

/** Returns what is still on the node, or undefined if it is drained. */
async function attemptDrain(api: KubernetesApi, { name, signal }: DrainOptions): Promise<string | undefined> {
  const node = await readNode(api, { name, signal });
  if (node === undefined) return undefined;
  if (!node.isCordoned) await cordonNode(api, { name, isCordoned: true, signal });
  const left = podsToEvict(await listPods(api, { name, signal })).filter((pod) => node.isReady || !isEnding(pod));
  const reasons = await Promise.all(left.map((pod) => evict(api, { pod, signal })));
  return describe(left, reasons);
}

const isEnding = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

async function listPods(
  api: KubernetesApi,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<readonly Pod[]> {
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}&limit=500`;
  const call: KubernetesCall = { method: "GET", path, signal };
  const answer = await api.call(call);
  if (answer.status !== 200) throw unexpectedAnswer(call, answer);
  return PodList.parse(answer.body).items;
}

/** Asks for an eviction, once for each pod. Returns why it is refused; undefined if the pod is about to end. */
async function evict(
  api: KubernetesApi,
  { pod, signal }: { pod: Pod; signal: AbortSignal },
): Promise<string | undefined> {
  if (isEnding(pod)) return undefined;
  const { name, namespace, uid } = pod.metadata;
  const call: KubernetesCall = {
    method: "POST",
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`,
    body: {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace },
      // A pod that has taken the name in the meantime is another one.
      deleteOptions: { preconditions: { uid } },
    },
    signal,
  };
  const answer = await api.call(call);
  const isGone = answer.status === 404 || answer.status === 409;
  return answer.status < 300 || isGone ? undefined : describeRefusal(answer.body, unexpectedAnswer(call, answer));
}

const Refusal = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ message: z.string() })).optional() }).optional(),
});

/** An API server names the PodDisruptionBudget in the causes only. */
function describeRefusal(body: unknown, otherwise: Error): string {
  const refusal = Refusal.safeParse(body).data;
  if (refusal === undefined) return otherwise.message;
  const causes = (refusal.details?.causes ?? []).map(({ message }) => message);
  return (causes.length > 0 ? causes.join("; ") : refusal.message).slice(0, 300);
}

function describe(left: readonly Pod[], reasons: readonly (string | undefined)[]): string | undefined {
  if (left.length === 0) return undefined;
  const named = left.slice(0, mostNamed).map(({ metadata }, index) => {
    const reason = reasons[index] ?? "it has not ended yet";
    return `${metadata.namespace}/${metadata.name} (${reason})`;
  });
  const more = left.length > mostNamed ? ` and ${left.length - mostNamed} more` : "";
  return `${left.length === 1 ? "pod" : "pods"} ${named.join(", ")}${more}`;
}
