import type { NodeFile } from "../files.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { discoveryKubeconfig } from "./kubeconfigs.ts";
import { renderKubeletConfig } from "./kubelet.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

export const kubeadmConfig = "/etc/kubernetes/kubeadm.yaml";
/** The same with how this very etcd starts. */
export const kubeadmStaticPodsConfig = "/etc/kubernetes/kubeadm-static-pods.yaml";
/** For a worker's `kubeadm join`. */
export const kubeadmJoinConfig = "/etc/kubernetes/kubeadm-join.yaml";
/** What kubeadm puts over what it makes (its `patches`); a file is named after what it changes. */
const patchesFolder = "/etc/kubernetes/patches";

/**
 * kubeadm's configuration. How etcd starts is in a file of its own, for the static pods only: in kubeadm-config it
 * would make every later control plane start a new cluster.
 */
export async function kubeadmFiles(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render, inContainer, image } = input;
  const { self, cluster, controlPlanes, endpoint, network } = metadata;
  if (self.role === "worker") return metadata.join === "kubeadm" ? joinFiles(input) : [];
  const launch = isLaunchCredentials(credentials) && credentials.role === "control-plane" ? [credentials] : [];
  const ttl = `${Math.ceil(metadata.deadlineSeconds)}s`;
  const values = {
    name: self.name,
    address: self.address,
    criSocket,
    kubernetesVersion: cluster.kubernetesVersion,
    clusterName: cluster.name,
    endpoint,
    podSubnet: network.podSubnet,
    serviceSubnet: network.serviceSubnet,
    inContainer,
    patchesFolder,
    imageRepository: image.imageRepository === undefined ? [] : [{ repository: image.imageRepository }],
    joinToken: launch.map(({ token }) => ({ token, ttl })),
    kubeletConfig: await renderKubeletConfig(input, { forCluster: true }),
  };
  const initialCluster = controlPlanes.map(({ name, address }) => `${name}=https://${address}:2380`).join(",");
  // A member without peers has nobody's heartbeat to wait for.
  const etcdStart = {
    initialCluster,
    alone: controlPlanes.length === 1,
    certificateName: launch.map(({ etcdDomain }) => ({ domain: etcdDomain })),
  };
  const file = async (path: string, etcd: (typeof etcdStart)[]) => ({
    path,
    content: await render("kubeadm/init.yaml", { ...values, etcd }),
    mode: 0o600,
  });
  const patch = await patchFile(render, "corednsdeployment.yaml");
  return [await file(kubeadmConfig, []), await file(kubeadmStaticPodsConfig, [etcdStart]), patch];
}

const patchFile = async (render: RenderInput["render"], name: string): Promise<NodeFile> => ({
  path: `${patchesFolder}/${name}`,
  content: await render(`kubeadm/patches/${name}`, {}),
  mode: 0o644,
});

async function joinFiles({ metadata, render, hasCgroupV1 }: RenderInput): Promise<NodeFile[]> {
  const { self, deadlineSeconds } = metadata;
  const content = await render("kubeadm/join.yaml", {
    name: self.name,
    address: self.address,
    criSocket,
    hasCgroupV1,
    patchesFolder,
    discoveryKubeconfig,
    timeout: `${Math.ceil(deadlineSeconds)}s`,
  });
  const join = { path: kubeadmJoinConfig, content, mode: 0o600 };
  return hasCgroupV1 ? [join, await patchFile(render, "kubeletconfiguration.yaml")] : [join];
}
