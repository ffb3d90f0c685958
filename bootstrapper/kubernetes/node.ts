/** The part of a Node that is read here (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/). */
export interface KubernetesNode {
  metadata: { name: string; resourceVersion?: string; annotations?: Record<string, string> };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

/** A node announces its own pod CIDR; the route agents of its peers read it. */
export const podCidrAnnotation = "sprout.internal/pod-cidr";

export const isReady = (node: KubernetesNode) => readyCondition(node)?.status === "True";

/** Why a node is not Ready, in the kubelet's own words; undefined where it is. */
export const whyNotReady = (node: KubernetesNode): string | undefined =>
  isReady(node) ? undefined : (readyCondition(node)?.message ?? "no status yet");

export const internalIp = (node: KubernetesNode) =>
  node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;

const readyCondition = (node: KubernetesNode) => node.status?.conditions?.find(({ type }) => type === "Ready");
