import { readFile, readlink } from "node:fs/promises";
import type { KeyPair } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { type Client, createKubernetesApi, type KubernetesApi } from "../kubernetes/api-client.ts";
import { readAdministrator } from "../kubernetes/kubeconfig.ts";
import { below } from "../machine/files.ts";
import { probeTcp } from "../preflight-ports/probe-tcp.ts";
import { isLaunchCredentials } from "../node-credentials.ts";
import { kubeletClientPem } from "../render/kubelet.ts";
import { splitEndpoint } from "../render/render-input.ts";
import type { ClaimedNode } from "./node-context.ts";

const answerTimeoutMs = 1000;

type User = "admin" | "bootstrap" | "kubelet" | "anonymous";

/**
 * Opens a client of an API server: a control plane's own, or for a worker the first that answers. It calls as the
 * administrator, as a bootstrapping node, as this node's kubelet or without credentials.
 * Throws if kubeadm has not yet made the certificate that this needs.
 */
export async function apiOf(node: ClaimedNode, as: User): Promise<KubernetesApi> {
  const address = await findApiServer(node.metadata);
  const client = await clientOf(node, as);
  return createKubernetesApi({
    url: `https://${address}:${splitEndpoint(node.metadata.endpoint).port}`,
    ca: node.credentials.pki["ca.crt"] ?? "",
    ...(client === undefined ? {} : { client }),
  });
}

/** A control plane that is gone must not keep a worker from the others. If none answers, returns the first one's. */
async function findApiServer({ self, controlPlanes, endpoint }: NodeMetadata): Promise<string> {
  if (self.role === "control-plane") return self.address;
  const addresses = controlPlanes.map(({ address }) => address);
  const [first = ""] = addresses;
  if (addresses.length === 1) return first;
  const { port } = splitEndpoint(endpoint);
  const { signal } = new AbortController();
  const answering = addresses.map(async (address) => {
    const answer = await probeTcp({ address, port, timeoutMs: answerTimeoutMs, signal });
    if (answer !== "accepted") throw new Error(answer);
    return address;
  });
  return Promise.any(answering).catch(() => first);
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
