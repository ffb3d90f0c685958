import { z } from "zod";
import { boundedList } from "#api/bounded-list.ts";
import { type KubernetesApi, type KubernetesCall, readAnswer, unexpectedAnswer } from "./api-client.ts";

const Node = z.object({
  spec: z.object({ unschedulable: z.boolean().optional() }).optional(),
  status: z
    .object({ conditions: boundedList(z.object({ type: z.string(), status: z.string() })).optional() })
    .optional(),
});

export interface NodeCondition {
  isReady: boolean;
  isCordoned: boolean;
}

const pathOf = (name: string) => `/api/v1/nodes/${encodeURIComponent(name)}`;

/** Returns undefined if there is no such Node. Throws if the API server refuses or is not reached. */
export async function readNode(
  api: KubernetesApi,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<NodeCondition | undefined> {
  const call: KubernetesCall = { method: "GET", path: pathOf(name), signal };
  const answer = await api.call(call);
  if (answer.status === 404) return undefined;
  const { spec, status } = readAnswer(Node, call, answer);
  const isReady = (status?.conditions ?? []).some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );
  return { isReady, isCordoned: spec?.unschedulable === true };
}

/** Says whether new pods may come to a Node. No error if there is no such Node. */
export async function cordonNode(
  api: KubernetesApi,
  { name, isCordoned, signal }: { name: string; isCordoned: boolean; signal: AbortSignal },
): Promise<void> {
  // In a merge patch, null removes the field.
  const body = { spec: { unschedulable: isCordoned ? true : null } };
  const call: KubernetesCall = { method: "PATCH", path: pathOf(name), body, signal };
  const answer = await api.call(call);
  if (answer.status !== 200 && answer.status !== 404) throw unexpectedAnswer(call, answer);
}

/** Deletes a Node. No error if there is none. */
export async function deleteNode(
  api: KubernetesApi,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  const call: KubernetesCall = { method: "DELETE", path: pathOf(name), signal };
  const answer = await api.call(call);
  if (answer.status >= 300 && answer.status !== 404) throw unexpectedAnswer(call, answer);
}
