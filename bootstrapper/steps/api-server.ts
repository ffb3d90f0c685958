import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { releaseDeferredPods } from "./static-pods.ts";

const intervalMs = 50;
const failure = { code: "kubernetes", message: "Cannot reach the API server" } as const;

/**
 * A worker waits until the endpoint answers at all: nodes are authorized before `/readyz` turns, a second later. A
 * control plane waits for its own API server, gives the rest of its static pods to kubelet at the first answer, and
 * is done with `/readyz`.
 */
export async function waitForApiServer(session: Session, signal: AbortSignal): Promise<void> {
  const api = await apiOf(session, session.kind === "worker" ? "anonymous" : "admin");
  try {
    await poll(async () => api.status("/readyz", signal), { signal, intervalMs, failure });
    if (session.kind === "worker") return;
    await releaseDeferredPods(session.root);
    await waitForReady(api, signal);
  } finally {
    api.close();
  }
}

async function waitForReady(api: KubernetesApi, signal: AbortSignal) {
  const ask = async () => {
    const status = await api.status("/readyz", signal);
    if (status !== 200) throw new Error(`/readyz answered ${status}`);
    return true;
  };
  await poll(ask, { signal, intervalMs, failure });
}
