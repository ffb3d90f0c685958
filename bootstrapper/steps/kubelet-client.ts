import { below, writeFileAtomic, writeLinkAtomic } from "../machine/files.ts";
import { readEmbeddedClient } from "../kubernetes/kubeconfig.ts";
import { kubeletKubeconfig, kubeletKubeconfigFile } from "../render/kubeconfigs.ts";
import { kubeletClientFiles } from "../render/kubelet.ts";
import type { ClaimedNode } from "./node-context.ts";

/**
 * Moves the kubelet's certificate to where the kubelet keeps its own. kubeadm writes it into the kubeconfig, where the
 * kubelet cannot renew it and requests another at its first start.
 */
export async function adoptKubeletClient(node: ClaimedNode): Promise<void> {
  const { root, startedAt } = node;
  const client = await readEmbeddedClient(root, kubeletKubeconfig);
  if (client === undefined) return;
  const { file, link } = kubeletClientFiles(client, startedAt);
  const kubeconfig = await kubeletKubeconfigFile(node);
  await writeFileAtomic(below(root, file.path), file.content, file.mode);
  await writeLinkAtomic(below(root, link.path), link.target);
  await writeFileAtomic(below(root, kubeconfig.path), kubeconfig.content, kubeconfig.mode);
}
