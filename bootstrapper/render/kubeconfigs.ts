import type { KeyPair } from "#api/credentials.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

const userNames = {
  admin: "kubernetes-admin",
  "super-admin": "kubernetes-super-admin",
  "controller-manager": "system:kube-controller-manager",
  scheduler: "system:kube-scheduler",
} as const;

export const kubeletKubeconfig = "/etc/kubernetes/kubelet.conf";
/** Only the first control plane uses it. */
export const superAdminKubeconfig = "/etc/kubernetes/super-admin.conf";
/** `kubeadm join` finds the cluster by it, and requests the kubelet's certificate with it. */
export const discoveryKubeconfig = "/etc/kubernetes/discovery.conf";

/**
 * Returns the kubeconfigs as kubeadm writes them, with the authority inline: kubeadm compares it. Controller manager
 * and scheduler call their own API server, everything else calls the endpoint (this node's own, by /etc/hosts). None on
 * a control plane whose certificates kubeadm makes: it makes these, too.
 */
export async function kubeconfigFiles({ metadata, credentials, render }: RenderInput): Promise<NodeFile[]> {
  const { self, endpoint, cluster } = metadata;
  const { port } = splitEndpoint(endpoint);
  const common = { clusterName: cluster.name, caData: toBase64(credentials.pki["ca.crt"] ?? "") };
  const embedded = async (path: string, { server, user, pair }: { server: string; user: string; pair: KeyPair }) => ({
    path,
    content: await render("kubernetes/kubeconfig.conf", {
      ...common,
      server,
      user,
      certificateData: toBase64(pair.certificate),
      keyData: toBase64(pair.key),
    }),
    mode: 0o600,
    secret: true,
  });
  if (isLaunchCredentials(credentials)) {
    if (credentials.role === "control-plane") return [];
    const values = { ...common, server: `https://${endpoint}`, token: credentials.token };
    const content = await render("kubernetes/token.conf", values);
    return [{ path: discoveryKubeconfig, content, mode: 0o600, secret: true }];
  }
  if (credentials.role === "worker" && credentials.join === "kubeadm") {
    const user = `system:bootstrap:${credentials.allocation}`;
    return [await embedded(discoveryKubeconfig, { server: `https://${endpoint}`, user, pair: credentials.bootstrap })];
  }
  const kubelet = await kubeletKubeconfigFile({ metadata, credentials, render });
  if (credentials.role === "worker") return [kubelet];
  const local = `https://${self.address}:${port}`;
  const own = Object.entries(credentials.kubeconfigs) as [keyof typeof userNames, KeyPair][];
  const files = own.map(([name, pair]) =>
    embedded(`/etc/kubernetes/${name}.conf`, {
      server: name === "controller-manager" || name === "scheduler" ? local : `https://${endpoint}`,
      user: userNames[name],
      pair,
    }),
  );
  return [kubelet, ...(await Promise.all(files))];
}

/** Returns the kubelet's kubeconfig. It names the certificate by path, so that the kubelet can renew it. */
export async function kubeletKubeconfigFile({
  metadata: { self, endpoint, cluster },
  credentials,
  render,
}: Pick<RenderInput, "metadata" | "credentials" | "render">): Promise<NodeFile> {
  const content = await render("kubernetes/kubelet.conf", {
    clusterName: cluster.name,
    caData: toBase64(credentials.pki["ca.crt"] ?? ""),
    server: `https://${endpoint}`,
    user: `system:node:${self.name}`,
  });
  return { path: kubeletKubeconfig, content, mode: 0o600 };
}

const toBase64 = (text: string) => Buffer.from(text).toString("base64");
