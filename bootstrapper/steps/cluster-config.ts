import { isLaunchCredentials } from "../node-credentials.ts";
import { controlPlaneLabel } from "../kubernetes/node.ts";
import { poll } from "../poll.ts";
import { hasNetworkAgent } from "../render/network.ts";
import { runKubeadmPhase } from "./kubeadm-phase.ts";
import { applyNetworkManifest } from "./network-manifest.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";
import { releaseDeferredPods } from "./static-pods.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const roleBindings = `${rbac}/clusterrolebindings`;
const networkAgentRights: [file: string, path: string][] = [
  ["network-agent-role.yaml", `${rbac}/clusterroles/sprout:network-agent`],
  ["network-agent-binding.yaml", `${roleBindings}/sprout:network-agents`],
];

/** The labels of `kubeadm init phase mark-control-plane`. The kubelet itself sets the taint (registerWithTaints). */
const controlPlaneLabels = {
  [controlPlaneLabel]: "",
  "node.kubernetes.io/exclude-from-external-load-balancers": "",
};

/**
 * Configures the cluster: kubeadm's and the kubelet's configuration, labels of control planes, roles of bootstrap
 * tokens, kube-proxy, CoreDNS, and the network (the network agents' rights, the manifest). A further control plane
 * only marks itself, and starts its controllers.
 */
export async function configureCluster(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { kind, metadata } = node;
  const kubeadm = (...phase: string[]) => runKubeadmPhase(node, phase, signal);
  if (kind === "control-plane") {
    await Promise.all([markControlPlane(node, signal), releaseDeferredPods(node, signal)]);
    return;
  }
  await applyObjects(node, [["cluster-admins-binding.yaml", `${roleBindings}/kubeadm:cluster-admins`]], signal);
  // In parallel: kubeadm sends at most five requests a second once its first ten are spent.
  await Promise.all([
    kubeadm("addon", "kube-proxy"),
    kubeadm("addon", "coredns"),
    kubeadm("upload-config", "all"),
    markControlPlane(node, signal),
    releaseDeferredPods(node, signal),
    kubeadm("bootstrap-token", "--skip-token-print"),
    ...(metadata.network.plugin === "manifest" ? [applyNetworkManifest(node, signal)] : []),
    ...(hasNetworkAgent(metadata, node.credentials) ? [applyObjects(node, networkAgentRights, signal)] : []),
  ]);
}

/** Labels this node: a kubelet may not label itself a control plane. */
async function markControlPlane(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { name } = node.metadata.self;
  using api = await apiOf(node, "admin");
  const failure = `Cannot mark Node ${name} as a control plane`;
  const path = `/api/v1/nodes/${name}`;
  // A further control plane's administrator is unknown until the first one has made the binding.
  await poll(() => api.get(path, signal), { signal, intervalMs: 200, failure });
  await api.merge(path, { metadata: { labels: controlPlaneLabels } }, signal);
}

async function applyObjects(node: ClaimedNode, objects: [file: string, path: string][], signal: AbortSignal) {
  using api = await apiOf(node, "admin");
  const values = { kubelets: isLaunchCredentials(node.credentials) };
  await Promise.all(
    objects.map(async ([file, path]) => api.apply(path, await node.render(`kubernetes/${file}`, values), signal)),
  );
}
