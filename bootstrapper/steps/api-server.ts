import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { releaseDeferredPods } from "./static-pods.ts";

const intervalMs = 100;

/** Waits for `/readyz`: a control plane for its own API server, a worker for the endpoint's. */
export async function waitForApiServer(session: Session, signal: AbortSignal): Promise<void> {
  const api = apiOf(session, session.kind === "worker" ? "kubelet" : "admin");
  try {
    await poll(
      async () => {
        const status = await api.status("/readyz", signal);
        if (status !== 200) throw new Error(`/readyz answered ${status}`);
        return true;
      },
      { signal, intervalMs, failure: { code: "kubernetes", message: "Cannot reach the API server" } },
    );
  } finally {
    api.close();
  }
  if (session.kind !== "worker") await releaseDeferredPods(session.root);
}
