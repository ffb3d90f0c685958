import { mkdir } from "node:fs/promises";
import { below } from "../files.ts";
import { kubeadmConfig, kubeadmEtcdConfig } from "../render/kubeadm.ts";
import type { Session } from "../session.ts";

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
];

/**
 * One run of kubeadm writes the manifests; on the way it judges every certificate and kubeconfig that is there
 * already ("using existing"), and makes none.
 */
export async function writeStaticPods(session: Session, signal: AbortSignal): Promise<void> {
  const { root, exec, metadata } = session;
  const several = metadata.controlPlanes.length > 1;
  const skip = [...skipped, ...(several ? ["etcd"] : [])].join(",");
  await mkdir(below(root, "/etc/kubernetes/manifests"), { recursive: true });
  await exec(
    ["kubeadm", "init", `--config=${below(root, kubeadmConfig)}`, "--skip-token-print", `--skip-phases=${skip}`],
    signal,
  );
  if (several)
    await exec(["kubeadm", "init", "phase", "etcd", "local", `--config=${below(root, kubeadmEtcdConfig)}`], signal);
}
