import type { KeyPair } from "#api/credentials.ts";
import type { NodeFile, NodeLink } from "../files.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { resolvConf } from "../name-server.ts";
import { clusterDnsAddress } from "./service-addresses.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

const folder = "/var/lib/kubelet";
const secret = true;
/** The kubelet's certificate and key as they are now. */
export const kubeletClientPem = `${folder}/pki/kubelet-client-current.pem`;

/**
 * The kubelet's configuration, flags and certificates; what `kubeadm join` writes itself is left to it. Without a server
 * the kubelet makes its serving certificate itself.
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
      content: await render("kubelet/kubeadm-flags.env", { name: self.name, address: self.address }),
      mode: 0o644,
    },
    ...client.map(({ file }) => file),
    ...common,
  ];
  return { files, links: client.map(({ link }) => link) };
}

const servingFiles = ({ certificate, key }: KeyPair): NodeFile[] => [
  { path: `${folder}/pki/kubelet.crt`, content: certificate, mode: 0o644 },
  { path: `${folder}/pki/kubelet.key`, content: key, mode: 0o600, secret },
];

/** The kubelet's KubeletConfiguration: this node's own, or the cluster's, which `kubeadm join` takes for its nodes. */
export function renderKubeletConfig(
  { metadata, render, hasCgroupV1 }: RenderInput,
  { forCluster }: { forCluster: boolean },
): Promise<string> {
  const { self, peers, controlPlanes } = metadata;
  const controlPlane = !forCluster && self.role === "control-plane";
  return render("kubelet/config.yaml", {
    controlPlane,
    // Only the first control plane knows its peers; alone, or among control planes only, it must take pods too.
    tainted: controlPlane && peers?.length !== controlPlanes.length,
    // Of the nodes that join by kubeadm, those on v1 bring a patch.
    hasCgroupV1: !forCluster && hasCgroupV1,
    resolvConf,
    clusterDns: clusterDnsAddress(metadata.network.serviceSubnet),
    criSocket,
  });
}

/** CoreDNS ends where it finds no name server to ask. At this one nobody answers: names outside the cluster fail at once. */
const resolverFiles = ({ metadata: { self }, hasNameServer }: RenderInput): NodeFile[] =>
  hasNameServer ? [] : [{ path: resolvConf, content: `nameserver ${self.address}\n`, mode: 0o644 }];

/**
 * The client certificate is a dated PEM behind a symlink, as kubelet itself keeps it: anything else makes it rotate at
 * its first start or breaks rotation later.
 */
export function kubeletClientFiles({ certificate, key }: KeyPair, now: Date): { file: NodeFile; link: NodeLink } {
  const path = `${folder}/pki/kubelet-client-${toStamp(now)}.pem`;
  return {
    file: { path, content: `${certificate}${key}`, mode: 0o600, secret },
    link: { path: kubeletClientPem, target: path },
  };
}

/** `2026-01-31-12-00-00`, as kubelet dates its PEMs. */
const toStamp = (date: Date) => date.toISOString().slice(0, 19).replace(/[T:]/g, "-");
