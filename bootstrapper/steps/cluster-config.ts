import { isLaunchCredentials } from "../node-credentials.ts";
import { poll } from "../poll.ts";
import { runKubeadmPhase } from "./kubeadm-phase.ts";
import { applyNetworkManifest } from "./network-manifest.ts";
import { apiOf, credentialsOf, type Session } from "../session.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const roleBindings = `${rbac}/clusterrolebindings`;
const routeAgentRights: [file: string, path: string][] = [
  ["route-agent-role.yaml", `${rbac}/clusterroles/sprout:route-agent`],
  ["route-agent-binding.yaml", `${roleBindings}/sprout:route-agents`],
];

/** As `kubeadm init phase mark-control-plane` sets them; the taint is the kubelet's own (registerWithTaints). */
const controlPlaneLabels = {
  "node-role.kubernetes.io/control-plane": "",
  "node.kubernetes.io/exclude-from-external-load-balancers": "",
};

/**
 * What the cluster keeps about itself: kubeadm's and kubelet's configuration, the labels of control planes, the roles
 * of bootstrap tokens, kube-proxy, CoreDNS, and the network: the rights of the route agents, or its
 * manifest. Further control planes mark themselves only.
 */
export async function configureCluster(session: Session, signal: AbortSignal): Promise<void> {
  const { kind, metadata } = session;
  const kubeadm = (...phase: string[]) => runKubeadmPhase(session, phase, signal);
  if (kind === "control-plane") {
    await markControlPlane(session, signal);
    return;
  }
  await applyObjects(session, [["cluster-admins-binding.yaml", `${roleBindings}/kubeadm:cluster-admins`]], signal);
  // Side by side: kubeadm asks the API server five times a second at most, once its first ten requests are spent.
  await Promise.all([
    kubeadm("addon", "kube-proxy"),
    kubeadm("addon", "coredns"),
    kubeadm("upload-config", "all"),
    markControlPlane(session, signal),
    kubeadm("bootstrap-token", "--skip-token-print"),
    metadata.network.plugin === "manifest"
      ? applyNetworkManifest(session, signal)
      : applyObjects(session, routeAgentRights, signal),
  ]);
}

/** A kubelet may not call itself a control plane. */
async function markControlPlane(session: Session, signal: AbortSignal): Promise<void> {
  const { name } = session.metadata.self;
  const api = await apiOf(session, "admin");
  const failure = { code: "kubernetes", message: `Cannot mark Node ${name} as a control plane` } as const;
  const path = `/api/v1/nodes/${name}`;
  try {
    // A further control plane's administrator is unknown until the first one has made his binding.
    await poll(() => api.get(path, signal), { signal, intervalMs: 200, failure });
    await api.merge(path, { metadata: { labels: controlPlaneLabels } }, signal);
  } finally {
    api.close();
  }
}

async function applyObjects(session: Session, objects: [file: string, path: string][], signal: AbortSignal) {
  const api = await apiOf(session, "admin");
  const values = { kubelets: isLaunchCredentials(credentialsOf(session)) };
  try {
    await Promise.all(
      objects.map(async ([file, path]) => api.apply(path, await session.render(`kubernetes/${file}`, values), signal)),
    );
  } finally {
    api.close();
  }
}
