import { podCidrAnnotation } from "../kubernetes/node.ts";
import { waitForNode } from "../kubernetes/wait-for-node.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";

const intervalMs = 50;

/**
 * Waits until kubelet has made this node's own Node and writes its pod CIDR there: as an annotation for the route
 * agents, and as the spec's own field, on which kubelet reports its status at once instead of at the next interval.
 */
export async function register(session: Session, signal: AbortSignal): Promise<void> {
  const { self } = session.metadata;
  const path = `/api/v1/nodes/${self.name}`;
  const failure = {
    code: "kubernetes",
    message: `Cannot see Node ${self.name}: kubelet has not registered it`,
  } as const;
  // kubeadm's join is not over when the kubelet has its certificate.
  const api = await poll(() => apiOf(session, "kubelet"), { signal, intervalMs, failure });
  try {
    await waitForNode(api, { name: self.name, whyNot: () => undefined, signal, failure });
    await api.merge(
      path,
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
