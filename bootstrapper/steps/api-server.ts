import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";

const intervalMs = 50;
const failure = "Cannot reach the API server";

/**
 * Waits until the API server answers at all: a control plane's own, or for a worker any of the control planes'. Nodes
 * and `system:masters` are authorized from the first answer on; all others a second or two later, once every role
 * exists.
 */
export async function waitForApiServer(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const ask = async () => {
    using api = await apiOf(node, node.kind === "worker" ? "anonymous" : "admin");
    return await api.status("/readyz", signal);
  };
  await poll(ask, { signal, intervalMs, failure });
}

/** Waits until the API server has made all its roles, priority classes and namespaces (`/readyz`). */
export async function waitForReadyApiServer(api: KubernetesApi, signal: AbortSignal): Promise<void> {
  const ask = async () => {
    const status = await api.status("/readyz", signal);
    if (status !== 200) throw new Error(`/readyz answered ${status}`);
    return true;
  };
  await poll(ask, { signal, intervalMs, failure });
}
