/**
 * The part of a Node that Sprout reads
 * (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/).
 */
export interface KubernetesNode {
  metadata: { name: string; resourceVersion?: string; creationTimestamp?: string; labels?: Record<string, string> };
  spec?: { podCIDR?: string };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

/** Where 0.1.0 announced a node's pod CIDR; its route agents read no other place. */
export const podCidrAnnotation = "sprout.internal/pod-cidr";

export const isReady = (node: KubernetesNode) => readyCondition(node)?.status === "True";

/** Returns why a node is not Ready, in the kubelet's words. Undefined if it is Ready. */
export const whyNotReady = (node: KubernetesNode): string | undefined =>
  isReady(node) ? undefined : (readyCondition(node)?.message ?? "no status yet");

/** Set by `kubeadm init phase mark-control-plane`, and here. */
export const controlPlaneLabel = "node-role.kubernetes.io/control-plane";
export const isControlPlane = ({ metadata: { labels = {} } }: KubernetesNode) => controlPlaneLabel in labels;

export const internalIp = (node: KubernetesNode) =>
  node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;

const readyCondition = (node: KubernetesNode) => node.status?.conditions?.find(({ type }) => type === "Ready");
