import { rm } from "node:fs/promises";
import { retry } from "#lib/retry.ts";
import { toBootstrapError } from "../errors.ts";
import { below, readOrEmpty } from "../machine/files.ts";
import { poll } from "../poll.ts";
import { kubeadmJoinConfig } from "../render/kubeadm.ts";
import { discoveryKubeconfig, kubeletKubeconfig } from "../render/kubeconfigs.ts";
import { kubeletClientPem } from "../render/kubelet.ts";
import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";
import { openEndpoint } from "./open-endpoint.ts";
import { startKubelet } from "./kubelet.ts";

const bootstrapKubeconfig = "/etc/kubernetes/bootstrap-kubelet.conf";
/** What an interrupted join leaves, and kubeadm's preflight refuses. */
const halfJoined = [kubeletKubeconfig, bootstrapKubeconfig, "/etc/kubernetes/pki/ca.crt"];

const intervalMs = 200;
const maxAttempts = 3;
const retryDelayMs = 1000;
/** kubeadm's words for a failed preflight check, and for a Ready Node of this name. */
const permanentError = /\[ERROR \w+|already exists in the cluster/;

/**
 * Runs `kubeadm join` by file discovery: the cluster's authority is pinned, and a certificate replaces the token. An
 * interrupted join resumes if the kubelet has its certificate already; otherwise it starts over.
 */
export async function joinCluster(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  await joinWithRetries(node, signal);
  // While it is valid, its holder may request the certificate of any node.
  for (const path of [bootstrapKubeconfig, discoveryKubeconfig]) await rm(below(node.root, path), { force: true });
}

/** Whether the kubelet has its certificate. It writes its kubeconfig then, but not atomically. */
async function hasJoined({ root }: ClaimedNode): Promise<boolean> {
  const kubeconfig = await readOrEmpty(root, kubeletKubeconfig);
  return kubeconfig.includes(kubeletClientPem) && (await readOrEmpty(root, kubeletClientPem)).includes("PRIVATE KEY");
}

/**
 * Waits for what `kubeadm join` reads, and for the rights to read it: kubeadm itself waits only a third of a second
 * (kubernetes/kubeadm#3315).
 */
async function waitForClusterConfig(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  using anonymous = await apiOf(node, "anonymous");
  using bootstrap = await apiOf(node, "bootstrap");
  const ask = async () => {
    const wanted = [
      // Public, and made in the last part of the phase that gives bootstrapping nodes their rights.
      { api: anonymous, path: "/api/v1/namespaces/kube-public/configmaps/cluster-info" },
      { api: bootstrap, path: "/api/v1/namespaces/kube-system/configmaps/kubeadm-config" },
      { api: bootstrap, path: "/api/v1/namespaces/kube-system/configmaps/kubelet-config" },
    ];
    const statuses = await Promise.all(
      wanted.map(async ({ api, path }) => ({ path, status: await api.status(path, signal) })),
    );
    const lacking = statuses.filter(({ status }) => status !== 200);
    if (lacking.length > 0) throw new Error(lacking.map(({ path, status }) => `${path} answers ${status}`).join(", "));
    return true;
  };
  await poll(ask, { signal, intervalMs, failure: "Cannot read what to join" });
}

/** Joins, in several attempts. Throws the first error: later ones may be about what the first attempt left. */
async function joinWithRetries(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  let first: unknown;
  const isRetriable = (error: unknown) => {
    first ??= error;
    const { message, logTail = "" } = toBootstrapError(error, "kubernetes");
    return !permanentError.test(`${message} ${logTail}`);
  };
  const delays = { firstMs: retryDelayMs, factor: 1 };
  await retry(() => joinOnce(node, signal), { signal, delays, maxAttempts, isRetriable }).catch((error: unknown) => {
    throw first ?? error;
  });
}

async function joinOnce(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { root, exec } = node;
  if (await hasJoined(node)) return startKubelet(node, signal);
  await waitForClusterConfig(node, signal);
  await exec(["systemctl", "stop", "kubelet.service"], signal);
  for (const path of halfJoined) await rm(below(root, path), { force: true });
  await openEndpoint(node, signal);
  await exec(["kubeadm", "join", `--config=${below(root, kubeadmJoinConfig)}`], signal);
}
