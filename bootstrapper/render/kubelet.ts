import type { KeyPair } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { nodePoolLabel } from "#api/node-pool.ts";
import type { NodeFile, NodeLink } from "../machine/files.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { resolvConf } from "../machine/name-server.ts";
import { clusterDnsAddress, parseSubnet } from "#lib/subnet.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

const folder = "/var/lib/kubelet";
const secret = true;
/** The kubelet's current certificate and key. */
export const kubeletClientPem = `${folder}/pki/kubelet-client-current.pem`;

/**
 * Returns the kubelet's configuration, flags and certificates, without what `kubeadm join` writes. Without a server the
 * kubelet makes its serving certificate itself.
 */
export async function kubeletFiles(input: RenderInput): Promise<{ files: NodeFile[]; links: NodeLink[] }> {
  const { credentials, render, inContainer } = input;
  const { self } = input.metadata;
  const environment = {
    path: "/etc/default/kubelet",
    content: await render("kubelet/default", {}),
    mode: 0o644,
  };
  const common: NodeFile[] = [
    ...(inContainer ? [environment] : []),
    ...resolverFiles(input),
    ...(isLaunchCredentials(credentials) ? [] : servingFiles(credentials.kubelet.serving)),
  ];
  if (input.metadata.join === "kubeadm") return { files: common, links: [] };
  const client =
    !isLaunchCredentials(credentials) && "client" in credentials.kubelet
      ? [kubeletClientFiles(credentials.kubelet.client, input.now)]
      : [];
  const files = [
    {
      path: `${folder}/config.yaml`,
      content: await renderKubeletConfig(input, { forCluster: false }),
      mode: 0o644,
    },
    {
      path: `${folder}/kubeadm-flags.env`,
      content: await render("kubelet/kubeadm-flags.env", {
        name: self.name,
        address: self.address,
        nodeLabels: nodeLabels(self),
      }),
      mode: 0o644,
    },
    ...client.map(({ file }) => file),
    ...common,
  ];
  return { files, links: client.map(({ link }) => link) };
}

/** Returns the labels that the kubelet gives its Node at its registration. */
export const nodeLabels = ({ nodePool }: NodeMetadata["self"]): { label: string }[] =>
  nodePool === undefined ? [] : [{ label: `${nodePoolLabel}=${nodePool}` }];

const servingFiles = ({ certificate, key }: KeyPair): NodeFile[] => [
  { path: `${folder}/pki/kubelet.crt`, content: certificate, mode: 0o644 },
  { path: `${folder}/pki/kubelet.key`, content: key, mode: 0o600, secret },
];

/** Renders the KubeletConfiguration: this node's own, or the cluster's, which `kubeadm join` uses on its nodes. */
export function renderKubeletConfig(
  { metadata, render, hasCgroupV1, podResolver }: RenderInput,
  { forCluster }: { forCluster: boolean },
): Promise<string> {
  const { self, peers, controlPlanes } = metadata;
  const controlPlane = !forCluster && self.role === "control-plane";
  return render("kubelet/config.yaml", {
    controlPlane,
    // Only the first control plane knows its peers. If there are no workers, control planes must take pods too.
    tainted: controlPlane && peers?.length !== controlPlanes.length,
    // Nodes on v1 that join by kubeadm bring a patch.
    hasCgroupV1: !forCluster && hasCgroupV1,
    // The cluster's configuration names a file that every machine has; a node with another one brings a patch.
    resolvConf: forCluster ? resolvConf : podResolver.path,
    clusterDns: clusterDnsAddress(parseSubnet(metadata.network.serviceSubnet)),
    criSocket,
  });
}

/** Returns the file with name servers if it is Sprout's. */
const resolverFiles = ({ podResolver: { path, text } }: RenderInput): NodeFile[] =>
  text === undefined ? [] : [{ path, content: text, mode: 0o644 }];

/**
 * Returns the client certificate as the kubelet keeps it: a dated PEM behind a symbolic link. Anything else makes it
 * rotate at its first start, or breaks rotation later.
 */
export function kubeletClientFiles({ certificate, key }: KeyPair, now: Date): { file: NodeFile; link: NodeLink } {
  const path = `${folder}/pki/kubelet-client-${toPemDate(now)}.pem`;
  return {
    file: { path, content: `${certificate}${key}`, mode: 0o600, secret },
    link: { path: kubeletClientPem, target: path },
  };
}

/** Returns `2026-01-31-12-00-00`, as the kubelet dates its PEMs. */
const toPemDate = (date: Date) => date.toISOString().slice(0, 19).replace(/[T:]/g, "-");
