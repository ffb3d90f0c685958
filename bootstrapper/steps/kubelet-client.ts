import { below, writeFileAtomic, writeLinkAtomic } from "../files.ts";
import { readEmbeddedClient } from "../kubernetes/kubeconfig.ts";
import { kubeletKubeconfig, kubeletKubeconfigFile } from "../render/kubeconfigs.ts";
import { kubeletClientFiles } from "../render/kubelet.ts";
import { credentialsOf, type Session } from "../session.ts";

/**
 * kubeadm writes the kubelet's certificate into its kubeconfig, where kubelet cannot renew it and asks for another at its
 * first start. It goes to where kubelet keeps its own.
 */
export async function adoptKubeletClient(session: Session): Promise<void> {
  const { root, metadata, render, startedAt } = session;
  const client = await readEmbeddedClient(root, kubeletKubeconfig);
  if (client === undefined) return;
  const { file, link } = kubeletClientFiles(client, startedAt);
  const kubeconfig = await kubeletKubeconfigFile({ metadata, credentials: credentialsOf(session), render });
  await writeFileAtomic(below(root, file.path), file.content, file.mode);
  await writeLinkAtomic(below(root, link.path), link.target);
  await writeFileAtomic(below(root, kubeconfig.path), kubeconfig.content, kubeconfig.mode);
}
