import { z } from "zod";
import { boundedList } from "#api/bounded-list.ts";
import { type Clock, pause } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { shorten, toOneLine } from "#lib/quote-value.ts";
import { type KubernetesApi, type KubernetesCall, readAnswer, unexpectedAnswer } from "./api-client.ts";
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
const pageSize = 20;
const mostPages = 250;
const mostNamed = 5;
const maxReasonOfPod = 300;
const maxReason = 900;

const PodList = z.object({
  items: boundedList(Pod, pageSize),
  metadata: z.object({ continue: z.string().max(10_000).optional() }).optional(),
});

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
  const isLeft = (pod: Pod) => node.isReady || !isEnding(pod);
  const left = await findPodsToEvict(api, { name, isLeft, signal });
  const reasons = await Promise.all(left.map((pod) => evict(api, { pod, signal })));
  return describe(left, reasons);
}

const isEnding = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

/** Returns those of the first page that has any; the next attempt finds further ones. */
async function findPodsToEvict(
  api: KubernetesApi,
  { name, isLeft, signal }: { name: string; isLeft: (pod: Pod) => boolean; signal: AbortSignal },
): Promise<Pod[]> {
  const fieldSelector = `spec.nodeName=${name},status.phase!=Succeeded,status.phase!=Failed`;
  let next = "";
  for (let page = 0; page < mostPages; page += 1) {
    const query = new URLSearchParams({ fieldSelector, limit: String(pageSize), ...(next && { continue: next }) });
    const call: KubernetesCall = { method: "GET", path: `/api/v1/pods?${query.toString()}`, signal };
    const { items, metadata } = readAnswer(PodList, call, await api.call(call));
    const left = podsToEvict(items).filter(isLeft);
    next = metadata?.continue ?? "";
    if (left.length > 0 || next === "") return left;
  }
  throw new Error(`Node ${name} has more than ${mostPages * pageSize} pods that are not to be evicted`);
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
  details: z.object({ causes: boundedList(z.object({ message: z.string() }), mostNamed).optional() }).optional(),
});

/** An API server names the PodDisruptionBudget in the causes only. */
function describeRefusal(body: unknown, otherwise: Error): string {
  const refusal = Refusal.safeParse(body).data;
  if (refusal === undefined) return otherwise.message;
  const causes = (refusal.details?.causes ?? []).map(({ message }) => message);
  return toOneLine(shorten(causes.length > 0 ? causes.join("; ") : refusal.message, maxReasonOfPod));
}

function describe(left: readonly Pod[], reasons: readonly (string | undefined)[]): string | undefined {
  if (left.length === 0) return undefined;
  const named = left.slice(0, mostNamed).map(({ metadata }, index) => {
    const reason = reasons[index] ?? "it has not ended yet";
    const pod = toOneLine(shorten(`${metadata.namespace}/${metadata.name}`, maxReasonOfPod));
    return `${pod} (${reason})`;
  });
  const more = left.length > mostNamed ? ` and ${left.length - mostNamed} more` : "";
  return shorten(`${left.length === 1 ? "pod" : "pods"} ${named.join(", ")}${more}`, maxReason);
}
