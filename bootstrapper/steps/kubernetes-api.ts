import { readFile, readlink } from "node:fs/promises";
import type { KeyPair } from "#api/credentials.ts";
import { type Client, createKubernetesApi, type KubernetesApi } from "../kubernetes/api-client.ts";
import { readAdministrator } from "../kubernetes/kubeconfig.ts";
import { below } from "../machine/files.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { kubeletClientPem } from "../render/kubelet.ts";
import { splitEndpoint } from "../render/render-input.ts";
import type { ClaimedNode } from "./node-context.ts";

type User = "admin" | "bootstrap" | "kubelet" | "anonymous";

/**
 * Opens a client of the API server: a control plane's own, or the first control plane's for a worker. It calls as the
 * administrator, as a bootstrapping node, as this node's kubelet or without credentials.
 * Throws if kubeadm has not yet made the certificate that this needs.
 */
export async function apiOf(node: ClaimedNode, as: User): Promise<KubernetesApi> {
  const { endpoint, self, controlPlanes } = node.metadata;
  const address = self.role === "control-plane" ? self.address : controlPlanes[0]?.address;
  const client = await clientOf(node, as);
  return createKubernetesApi({
    url: `https://${address}:${splitEndpoint(endpoint).port}`,
    ca: node.credentials.pki["ca.crt"] ?? "",
    ...(client === undefined ? {} : { client }),
  });
}

async function clientOf({ root, credentials }: ClaimedNode, as: User): Promise<Client | undefined> {
  if (as === "anonymous") return undefined;
  if (isLaunchCredentials(credentials)) {
    if (as === "kubelet") return readKubeletClient(root);
    return as === "admin" ? readAdministrator(root) : { token: credentials.token };
  }
  if (as === "kubelet") return "client" in credentials.kubelet ? credentials.kubelet.client : readKubeletClient(root);
  if (as === "bootstrap") return "bootstrap" in credentials ? credentials.bootstrap : undefined;
  if (credentials.role === "worker") return undefined;
  // Until the administrators' binding exists, only super-admin may create it.
  return credentials.kubeconfigs["super-admin"];
}

/** Reads the certificate and key that the cluster gave to the kubelet, which keeps both in one file. */
async function readKubeletClient(root: string): Promise<KeyPair> {
  // The link is absolute, and this may not be the root that it was made for.
  const target = await readlink(below(root, kubeletClientPem)).catch(() => kubeletClientPem);
  const pem = await readFile(below(root, target.startsWith("/") ? target : kubeletClientPem), "utf8");
  return { certificate: pem, key: pem };
}
