import type { KeyPair } from "#api/credentials.ts";
import type { NodeFile, NodeLink } from "../files.ts";
import { toVersionTraits } from "../kubernetes/version.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

const folder = "/var/lib/kubelet";
const resolvConf = "/etc/resolv.conf";
const secret = true;
/** The kubelet's certificate and key as they are now. */
export const kubeletClientPem = `${folder}/pki/kubelet-client-current.pem`;

/** The kubelet's configuration, flags and certificates; what `kubeadm join` writes itself is left to it. */
export async function kubeletFiles(input: RenderInput): Promise<{ files: NodeFile[]; links: NodeLink[] }> {
  const { credentials, render, inContainer } = input;
  const { serving } = credentials.kubelet;
  const environment = {
    path: "/etc/default/kubelet",
    content: await render("kubelet/default", {}),
    mode: 0o644,
  };
  const common: NodeFile[] = [
    ...(inContainer ? [environment] : []),
    { path: `${folder}/pki/kubelet.crt`, content: serving.certificate, mode: 0o644 },
    { path: `${folder}/pki/kubelet.key`, content: serving.key, mode: 0o600, secret },
  ];
  if (!("client" in credentials.kubelet)) return { files: common, links: [] };
  const client = clientFiles(credentials.kubelet.client, input);
  const files = [
    {
      path: `${folder}/config.yaml`,
      content: await renderKubeletConfig(input, { controlPlane: input.metadata.self.role === "control-plane" }),
      mode: 0o644,
    },
    {
      path: `${folder}/kubeadm-flags.env`,
      content: await render("kubelet/kubeadm-flags.env", toFlags(input)),
      mode: 0o644,
    },
    client.file,
    ...common,
  ];
  return { files, links: [client.link] };
}

/** The kubelet's KubeletConfiguration: a node's own, and the cluster's for what `kubeadm join` makes of it. */
export const renderKubeletConfig = (
  { render }: Pick<RenderInput, "render">,
  { controlPlane }: { controlPlane: boolean },
) => render("kubelet/config.yaml", { controlPlane, resolvConf });

/**
 * The client certificate is a dated PEM behind a symlink, as kubelet itself keeps it: anything else makes it rotate at
 * its first start or breaks rotation later.
 */
function clientFiles({ certificate, key }: KeyPair, { now }: RenderInput): { file: NodeFile; link: NodeLink } {
  const path = `${folder}/pki/kubelet-client-${toStamp(now)}.pem`;
  return {
    file: { path, content: `${certificate}${key}`, mode: 0o600, secret },
    link: { path: kubeletClientPem, target: path },
  };
}

function toFlags({ metadata: { self, cluster } }: RenderInput) {
  const { containerRuntimeFlag } = toVersionTraits(cluster.kubernetesVersion);
  return { criSocket, containerRuntimeFlag, name: self.name, address: self.address };
}

/** `2026-01-31-12-00-00`, as kubelet dates its PEMs. */
const toStamp = (date: Date) => date.toISOString().slice(0, 19).replace(/[T:]/g, "-");
