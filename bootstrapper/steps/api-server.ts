import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { releaseDeferredPods } from "./static-pods.ts";

const intervalMs = 50;
const failure = { code: "kubernetes", message: "Cannot reach the API server" } as const;

/**
 * Waits until the API server answers at all, a worker for the endpoint's, a control plane for its own, which then gives the
 * rest of its static pods to kubelet. Nodes and `system:masters` are authorized from the first answer on; `/readyz` turns a
 * second or two later, when all roles are made, and `available` waits for it.
 */
export async function waitForApiServer(session: Session, signal: AbortSignal): Promise<void> {
  const api = await apiOf(session, session.kind === "worker" ? "anonymous" : "admin");
  try {
    await poll(async () => api.status("/readyz", signal), { signal, intervalMs, failure });
    if (session.kind !== "worker") await releaseDeferredPods(session.root);
  } finally {
    api.close();
  }
}

/** `/readyz`: every role, priority class and namespace of its own is there. */
export async function waitForReadyApiServer(api: KubernetesApi, signal: AbortSignal): Promise<void> {
  const ask = async () => {
    const status = await api.status("/readyz", signal);
    if (status !== 200) throw new Error(`/readyz answered ${status}`);
    return true;
  };
  await poll(ask, { signal, intervalMs, failure });
}
