import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { podCidrAnnotation } from "../kubernetes/node.ts";
import { waitForNode } from "../kubernetes/wait-for-node.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";

const intervalMs = 50;
/** Rarer: the processor is the API server's. */
const answersIntervalMs = 100;
const patienceMs = 3000;

/**
 * Waits until kubelet has made this node's own Node and writes its pod CIDR there: as an annotation for the route
 * agents, and as the spec's own field, on which kubelet reports its status at once instead of at the next interval.
 */
export async function register(session: Session, signal: AbortSignal): Promise<void> {
  const { self } = session.metadata;
  // kubeadm's join is not over when the kubelet has its certificate.
  const api = await poll(() => apiOf(session, "kubelet"), { signal, intervalMs, failure: failureOf(session) });
  try {
    if (isBeforeItsServer(session)) await hurryKubelet(session, { api, signal });
    await waitForOwnNode(session, { api, signal });
    await api.merge(
      pathOf(session),
      {
        metadata: { annotations: { [podCidrAnnotation]: self.podCidr } },
        spec: { podCIDR: self.podCidr, podCIDRs: [self.podCidr] },
      },
      signal,
    );
  } finally {
    api.close();
  }
}

interface Waiting {
  api: KubernetesApi;
  signal: AbortSignal;
}

const pathOf = ({ metadata: { self } }: Session) => `/api/v1/nodes/${self.name}`;
const failureOf = ({ metadata: { self } }: Session) =>
  ({ code: "kubernetes", message: `Cannot see Node ${self.name}: kubelet has not registered it` }) as const;

const waitForOwnNode = (session: Session, waiting: Waiting) =>
  waitForNode(waiting.api, {
    ...waiting,
    name: session.metadata.self.name,
    whyNot: () => undefined,
    failure: failureOf(session),
  });

/** Whether kubelet was started before it could be heard: by an API server of its own, or with a certificate of its own. */
const isBeforeItsServer = ({ kind, metadata }: Session) => kind !== "worker" || metadata.join === "kubeadm";

/**
 * A kubelet that was refused for six seconds asks every seven seconds, and one whose Node comes four seconds after it first
 * reached the API server is not Ready for another sixteen (its back-off for CSINode, pkg/volume/csi/csi_plugin.go). Started
 * again, it does both at once.
 */
async function hurryKubelet(session: Session, { api, signal }: Waiting): Promise<void> {
  const answers = async () => {
    const status = await api.status(pathOf(session), signal);
    if (status === 200 || status === 404) return true;
    throw new Error(`${pathOf(session)} answers ${status}`);
  };
  await poll(answers, { signal, intervalMs: answersIntervalMs, failure: failureOf(session) });
  try {
    await waitForOwnNode(session, { api, signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) });
  } catch {
    if (!signal.aborted) await session.exec(["systemctl", "restart", "--no-block", "kubelet.service"], signal);
  }
}
