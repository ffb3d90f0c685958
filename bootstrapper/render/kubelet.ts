import type { NodeFile, NodeLink } from "../files.ts";
import { toVersionTraits } from "../kubernetes/version.ts";
import { criSocket, type RenderInput } from "./render-input.ts";

const folder = "/var/lib/kubelet";
const resolvConf = "/etc/resolv.conf";

/**
 * The kubelet's configuration, flags and certificates. Its client certificate is a dated PEM behind a symlink, as
 * kubelet itself keeps it: anything else makes it rotate at its first start or breaks rotation later.
 */
export async function kubeletFiles(input: RenderInput): Promise<{ files: NodeFile[]; links: NodeLink[] }> {
  const { metadata, credentials, render, now } = input;
  const { client, serving } = credentials.kubelet;
  const controlPlane = metadata.self.role === "control-plane";
  const dated = `${folder}/pki/kubelet-client-${toStamp(now)}.pem`;
  const secret = true;
  return {
    files: [
      {
        path: `${folder}/config.yaml`,
        content: await render("kubelet/config.yaml", { controlPlane, resolvConf }),
        mode: 0o644,
      },
      {
        path: `${folder}/kubeadm-flags.env`,
        content: await render("kubelet/kubeadm-flags.env", toFlags(input)),
        mode: 0o644,
      },
      { path: dated, content: `${client.certificate}${client.key}`, mode: 0o600, secret },
      { path: `${folder}/pki/kubelet.crt`, content: serving.certificate, mode: 0o644 },
      { path: `${folder}/pki/kubelet.key`, content: serving.key, mode: 0o600, secret },
    ],
    links: [{ path: `${folder}/pki/kubelet-client-current.pem`, target: dated }],
  };
}

function toFlags({ metadata: { self, cluster }, inContainer }: RenderInput) {
  const { containerRuntimeFlag } = toVersionTraits(cluster.kubernetesVersion);
  return { criSocket, containerRuntimeFlag, inContainer, name: self.name, address: self.address };
}

/** `2026-01-31-12-00-00`, as kubelet dates its PEMs. */
const toStamp = (date: Date) => date.toISOString().slice(0, 19).replace(/[T:]/g, "-");
