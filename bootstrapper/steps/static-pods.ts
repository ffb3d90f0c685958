import { mkdir, rename } from "node:fs/promises";
import { below } from "../files.ts";
import { kubeadmStaticPodsConfig } from "../render/kubeadm.ts";
import { isKubeletActive, type Session } from "../session.ts";
import { adoptKubeletClient } from "./kubelet-client.ts";

const manifests = "/etc/kubernetes/manifests";
/** Not read by kubelet: manifests wait here until the API server answers. */
const deferredFolder = "/etc/kubernetes/deferred-manifests";
const deferred = ["kube-controller-manager.yaml", "kube-scheduler.yaml"];

/** Everything of `kubeadm init` that is not a certificate, a kubeconfig or a manifest. */
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
 * One run of kubeadm writes the manifests; on the way it judges every certificate and kubeconfig that is there
 * already ("using existing"), and makes none; without a server only the authorities are there, and it makes the others.
 */
export async function writeStaticPods(session: Session, signal: AbortSignal): Promise<void> {
  const { root, exec } = session;
  // They were all there when an earlier run started it, and what it runs is not to be taken from it again.
  if (await isKubeletActive(session, signal)) return;
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
  await adoptKubeletClient(session);
  // They can do nothing before the API server answers but take processor time from it and from etcd.
  for (const file of deferred)
    await rename(below(root, `${manifests}/${file}`), below(root, `${deferredFolder}/${file}`));
}

/** Gives kubelet the rest; what is there already stays. */
export async function releaseDeferredPods(root: string): Promise<void> {
  for (const file of deferred)
    await rename(below(root, `${deferredFolder}/${file}`), below(root, `${manifests}/${file}`)).catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException) {
  if (error.code !== "ENOENT") throw error;
}
