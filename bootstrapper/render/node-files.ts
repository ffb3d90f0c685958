import type { NodeFile, NodeLink } from "../machine/files.ts";
import { certificateFiles } from "./certificates.ts";
import { kubeadmFiles } from "./kubeadm.ts";
import { kubeconfigFiles } from "./kubeconfigs.ts";
import { kubeletFiles } from "./kubelet.ts";
import { renderLoadBalancer } from "./load-balancer.ts";
import { networkManifestFiles } from "./network-manifest.ts";
import { networkFiles } from "./network.ts";
import type { RenderInput } from "./render-input.ts";

/** Renders every file that a node of this role needs before anything starts. Throws BootstrapError `invalid-input`. */
export async function renderNodeFiles(input: RenderInput): Promise<{ files: NodeFile[]; links: NodeLink[] }> {
  const [kubeconfigs, kubelet, kubeadm, network, loadBalancer] = await Promise.all([
    kubeconfigFiles(input),
    kubeletFiles(input),
    kubeadmFiles(input),
    networkFiles(input),
    renderLoadBalancer(input),
  ]);
  return {
    files: [
      ...certificateFiles(input.credentials),
      ...kubeconfigs,
      ...kubelet.files,
      ...kubeadm,
      ...network,
      ...loadBalancer,
      ...networkManifestFiles(input),
    ],
    links: kubelet.links,
  };
}
