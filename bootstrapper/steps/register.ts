import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { podCidrAnnotation } from "../kubernetes/node.ts";
import { waitForNode } from "../kubernetes/wait-for-node.ts";
import { poll } from "../poll.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";

const intervalMs = 50;
/** Longer: the API server needs the processor. */
const answersIntervalMs = 100;
const patienceMs = 3000;

/**
 * Waits until the kubelet has made its Node, and writes the pod CIDR to its spec: the network agents follow it, and it
 * makes the kubelet report its status at once instead of at the next interval.
 */
export async function register(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { self } = node.metadata;
  // kubeadm's join continues after the kubelet has its certificate.
  using api = await poll(() => apiOf(node, "kubelet"), { signal, intervalMs, failure: failureOf(node) });
  if (isBeforeItsServer(node)) await hurryKubelet(node, { api, signal });
  await waitForOwnNode(node, { api, signal });
  const metadata = { annotations: { [podCidrAnnotation]: self.podCidr } };
  const spec = { podCIDR: self.podCidr, podCIDRs: [self.podCidr] };
  await api.merge(pathOf(node), { metadata, spec }, signal);
}

interface Waiting {
  api: KubernetesApi;
  signal: AbortSignal;
}

const pathOf = ({ metadata: { self } }: ClaimedNode) => `/api/v1/nodes/${self.name}`;
const failureOf = ({ metadata: { self } }: ClaimedNode) =>
  `Cannot see Node ${self.name}: kubelet has not registered it`;

const waitForOwnNode = (node: ClaimedNode, waiting: Waiting) =>
  waitForNode(waiting.api, {
    ...waiting,
    name: node.metadata.self.name,
    whyNot: () => undefined,
    failure: failureOf(node),
  });

/** Whether the kubelet started before it could be heard: its API server was not up, or its certificate not issued. */
const isBeforeItsServer = ({ kind, metadata }: ClaimedNode) => kind !== "worker" || metadata.join === "kubeadm";

/**
 * Restarts a kubelet that is too slow. One that was refused for six seconds retries every seven seconds. One whose Node
 * comes four seconds after its first contact is not Ready for another sixteen (its back-off for CSINode,
 * pkg/volume/csi/csi_plugin.go). After a restart it does both at once.
 */
async function hurryKubelet(node: ClaimedNode, { api, signal }: Waiting): Promise<void> {
  const answers = async () => {
    const status = await api.status(pathOf(node), signal);
    if (status === 200 || status === 404) return true;
    throw new Error(`${pathOf(node)} answers ${status}`);
  };
  await poll(answers, { signal, intervalMs: answersIntervalMs, failure: failureOf(node) });
  try {
    await waitForOwnNode(node, { api, signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) });
  } catch {
    if (!signal.aborted) await node.exec(["systemctl", "restart", "--no-block", "kubelet.service"], signal);
  }
}
