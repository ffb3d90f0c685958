import type { NodeFile } from "../files.ts";
import { toVersionTraits } from "../kubernetes/version.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

export const kubeadmConfig = "/etc/kubernetes/kubeadm.yaml";
/** For kubeadm's etcd phase alone, where there are several control planes. */
export const kubeadmEtcdConfig = "/etc/kubernetes/kubeadm-etcd.yaml";

/**
 * kubeadm's configuration. etcd's initial cluster is in a file of its own: in kubeadm-config it would make every later
 * control plane start a new cluster.
 */
export async function kubeadmFiles({ metadata, render, inContainer }: RenderInput): Promise<NodeFile[]> {
  const { self, cluster, controlPlanes, endpoint, network, peers } = metadata;
  if (self.role === "worker") return [];
  const { kubeadmApi } = toVersionTraits(cluster.kubernetesVersion);
  const values = {
    name: self.name,
    address: self.address,
    criSocket,
    // Only the first control plane knows its peers; alone, or among control planes only, it must take pods too.
    untainted: peers !== undefined && peers.length === controlPlanes.length,
    kubernetesVersion: cluster.kubernetesVersion,
    clusterName: cluster.name,
    endpoint,
    podSubnet: network.podSubnet,
    serviceSubnet: network.serviceSubnet,
    inContainer,
  };
  const template = `kubeadm/${kubeadmApi}.yaml`;
  const initialCluster = controlPlanes.map(({ name, address }) => `${name}=https://${address}:2380`).join(",");
  const file = async (path: string, etcd: { initialCluster: string }[]) => ({
    path,
    content: await render(template, { ...values, etcd }),
    mode: 0o600,
  });
  return [
    await file(kubeadmConfig, []),
    ...(controlPlanes.length > 1 ? [await file(kubeadmEtcdConfig, [{ initialCluster }])] : []),
  ];
}
