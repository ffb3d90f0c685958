import { hasSharedEndpoint } from "#api/shared-endpoint.ts";
import type { NodeFile } from "../machine/files.ts";
import { resolvConf } from "../machine/name-server.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { discoveryKubeconfig } from "./kubeconfigs.ts";
import { nodeLabels, renderKubeletConfig } from "./kubelet.ts";
import { criSocket, type RenderInput } from "./render-input.ts";
import type { TemplateValues } from "../../templates/render.ts";

export const kubeadmConfig = "/etc/kubernetes/kubeadm.yaml";
/** The same, plus how this node's etcd and API server start. */
export const kubeadmStaticPodsConfig = "/etc/kubernetes/kubeadm-static-pods.yaml";
/** Configuration of a worker's `kubeadm join`. */
export const kubeadmJoinConfig = "/etc/kubernetes/kubeadm-join.yaml";
/**
 * kubeadm's default. On a machine that needs longer, which the deadline allows, each kill would start the component again
 * from the beginning.
 */
const defaultHealthCheckSeconds = 240;
/** Patches that kubeadm applies to what it makes. A file is named after what it changes. */
const patchesFolder = "/etc/kubernetes/patches";

/** Where etcd's members reach each other. */
export const etcdPeerUrl = (address: string): string => `https://${address}:2380`;

/**
 * Returns kubeadm's configuration. How etcd starts is in a separate file, for the static pods only: in the
 * kubeadm-config of the cluster it would make every later control plane start a new cluster.
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
    healthCheckTimeout: `${Math.max(defaultHealthCheckSeconds, Math.ceil(metadata.deadlineSeconds))}s`,
    imageRepository: image.imageRepository === undefined ? [] : [{ repository: image.imageRepository }],
    joinToken: launch.map(({ token }) => ({ token, ttl })),
    kubeletConfig: await renderKubeletConfig(input, { forCluster: true }),
  };
  const initialCluster = controlPlanes.map(({ name, address }) => `${name}=${etcdPeerUrl(address)}`).join(",");
  // A member that has no peers, and can get none, waits for no heartbeat.
  const etcdStart = {
    initialCluster,
    initialClusterState: metadata.initialClusterState ?? "new",
    alone: controlPlanes.length === 1 && !hasSharedEndpoint(metadata),
    certificateName: launch.map(({ etcdDomain }) => ({ domain: etcdDomain })),
  };
  const apiServer = metadata.virtualAddress === undefined ? [] : [{ address: self.address }];
  const file = async (path: string, own: { etcd: (typeof etcdStart)[]; apiServer: typeof apiServer }) => ({
    path,
    content: await render("kubeadm/init.yaml", { ...values, ...own }),
    mode: 0o600,
  });
  const patch = await patchFile(render, "corednsdeployment.yaml", {});
  return [
    await file(kubeadmConfig, { etcd: [], apiServer: [] }),
    await file(kubeadmStaticPodsConfig, { etcd: [etcdStart], apiServer }),
    patch,
  ];
}

const patchFile = async (render: RenderInput["render"], name: string, values: TemplateValues): Promise<NodeFile> => ({
  path: `${patchesFolder}/${name}`,
  content: await render(`kubeadm/patches/${name}`, values),
  mode: 0o644,
});

async function joinFiles({ metadata, render, hasCgroupV1, podResolver }: RenderInput): Promise<NodeFile[]> {
  const { self, deadlineSeconds } = metadata;
  // What differs on this node from the cluster's configuration.
  const ownResolver = podResolver.path === resolvConf ? [] : [podResolver];
  const hasPatch = hasCgroupV1 || ownResolver.length > 0;
  const content = await render("kubeadm/join.yaml", {
    name: self.name,
    address: self.address,
    nodeLabels: nodeLabels(self),
    criSocket,
    hasCgroupV1,
    hasPatch,
    patchesFolder,
    discoveryKubeconfig,
    timeout: `${Math.ceil(deadlineSeconds)}s`,
  });
  const join = { path: kubeadmJoinConfig, content, mode: 0o600 };
  if (!hasPatch) return [join];
  const values = { hasCgroupV1, ownResolver: ownResolver.map(({ path }) => ({ resolvConf: path })) };
  return [join, await patchFile(render, "kubeletconfiguration.yaml", values)];
}
