import { mkdir, rename } from "node:fs/promises";
import { ignoreMissing } from "#lib/files.ts";
import { below } from "../machine/files.ts";
import { poll } from "../poll.ts";
import { kubeadmStaticPodsConfig } from "../render/kubeadm.ts";
import { apiOf } from "./kubernetes-api.ts";
import { isKubeletActive } from "./kubelet.ts";
import type { ClaimedNode } from "./node-context.ts";
import { adoptKubeletClient } from "./kubelet-client.ts";

/** The API server makes its roles in an order of its own; this one comes midway (storage_rbac.go, policy.go). */
const midwayRole = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-scheduler";
const manifests = "/etc/kubernetes/manifests";
/** Manifests wait here, unseen by the kubelet, until the API server makes its roles. */
const deferredFolder = "/etc/kubernetes/deferred-manifests";
const controllers = ["kube-controller-manager.yaml", "kube-scheduler.yaml"];
/** These wait for etcd's other members where it has some already. */
const servers = ["etcd.yaml", "kube-apiserver.yaml"];

/** Phases of `kubeadm init` that write no certificate, kubeconfig or manifest. */
const skipped = [
  "preflight",
  "kubelet-start",
  "wait-control-plane",
  "upload-config",
  "upload-certs",
  "mark-control-plane",
  "bootstrap-token",
  "kubelet-finalize",
  "addon",
  "show-join-command",
];

/**
 * Has kubeadm write the manifests. On the way kubeadm checks existing certificates and kubeconfigs ("using existing")
 * and makes none. Without a server only the authorities exist, and kubeadm makes the rest.
 */
export async function writeStaticPods(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { root, exec, metadata } = node;
  // They all existed when an earlier run started the kubelet, whose pods must not disappear again.
  if (await isKubeletActive(node, signal)) return;
  await mkdir(below(root, manifests), { recursive: true });
  await mkdir(below(root, deferredFolder), { recursive: true });
  await exec(
    [
      "kubeadm",
      "init",
      `--config=${below(root, kubeadmStaticPodsConfig)}`,
      "--skip-token-print",
      `--skip-phases=${skipped.join(",")}`,
    ],
    signal,
  );
  await adoptKubeletClient(node);
  // Before the API server answers they would only take processor time from it and from etcd.
  const joins = metadata.initialClusterState === "existing";
  for (const file of joins ? [...controllers, ...servers] : controllers)
    await rename(below(root, `${manifests}/${file}`), below(root, `${deferredFolder}/${file}`));
}

/** Gives the kubelet manifests that were deferred. Those that are in place already stay. */
export async function releaseManifests({ root }: Pick<ClaimedNode, "root">, files: readonly string[]): Promise<void> {
  for (const file of files)
    await rename(below(root, `${deferredFolder}/${file}`), below(root, `${manifests}/${file}`)).catch(ignoreMissing);
}

/**
 * Gives the kubelet the remaining manifests when the API server has made half of its roles. It takes half a second for
 * the rest, and the kubelet takes longer to start the pods. A scheduler that is refused would back off for seconds.
 */
export async function releaseDeferredPods(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  using api = await apiOf(node, "admin");
  const failure = "Cannot start the controllers: the API server makes no roles";
  await poll(() => api.get(midwayRole, signal), { signal, intervalMs: 50, failure });
  await releaseManifests(node, controllers);
}
