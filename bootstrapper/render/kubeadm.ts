import type { NodeFile } from "../files.ts";
import { toVersionTraits } from "../kubernetes/version.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { discoveryKubeconfig } from "./kubeconfigs.ts";
import { renderKubeletConfig } from "./kubelet.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

export const kubeadmConfig = "/etc/kubernetes/kubeadm.yaml";
/** The same with how this very etcd starts. */
export const kubeadmStaticPodsConfig = "/etc/kubernetes/kubeadm-static-pods.yaml";
/** For a worker's `kubeadm join`. */
export const kubeadmJoinConfig = "/etc/kubernetes/kubeadm-join.yaml";

/**
 * kubeadm's configuration. How etcd starts is in a file of its own, for the static pods only: in kubeadm-config it
 * would make every later control plane start a new cluster.
 */
export async function kubeadmFiles(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render, inContainer, image } = input;
  const { self, cluster, controlPlanes, endpoint, network, peers } = metadata;
  if (self.role === "worker") return metadata.join === "kubeadm" ? [await joinFile(input)] : [];
  const { kubeadmApi } = toVersionTraits(cluster.kubernetesVersion);
  const launch = isLaunchCredentials(credentials) && credentials.role === "control-plane" ? [credentials] : [];
  const ttl = `${Math.ceil(metadata.deadlineSeconds)}s`;
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
    imageRepository: image.imageRepository === undefined ? [] : [{ repository: image.imageRepository }],
    joinToken: launch.map(({ token }) => ({ token, ttl })),
    makesCertificates: launch.length > 0,
    kubeletConfig: await renderKubeletConfig(input, { controlPlane: false }),
  };
  const template = `kubeadm/${kubeadmApi}.yaml`;
  const initialCluster = controlPlanes.map(({ name, address }) => `${name}=https://${address}:2380`).join(",");
  // A member without peers has nobody's heartbeat to wait for.
  const etcdStart = {
    initialCluster,
    alone: controlPlanes.length === 1,
    certificateName: launch.map(({ etcdDomain }) => ({ domain: etcdDomain })),
  };
  const file = async (path: string, etcd: (typeof etcdStart)[]) => ({
    path,
    content: await render(template, { ...values, etcd }),
    mode: 0o600,
  });
  return [await file(kubeadmConfig, []), await file(kubeadmStaticPodsConfig, [etcdStart])];
}

async function joinFile({ metadata, render, image }: RenderInput): Promise<NodeFile> {
  const { self, cluster, deadlineSeconds } = metadata;
  const { kubeadmApi } = toVersionTraits(cluster.kubernetesVersion);
  const content = await render(`kubeadm/join-${kubeadmApi}.yaml`, {
    name: self.name,
    address: self.address,
    criSocket,
    clusterDns: image.clusterDns,
    discoveryKubeconfig,
    timeout: `${Math.ceil(deadlineSeconds)}s`,
  });
  return { path: kubeadmJoinConfig, content, mode: 0o600 };
}
