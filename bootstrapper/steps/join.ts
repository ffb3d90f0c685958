import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { toBootstrapError } from "../errors.ts";
import { below } from "../files.ts";
import { poll } from "../poll.ts";
import { kubeadmJoinConfig } from "../render/kubeadm.ts";
import { discoveryKubeconfig } from "../render/kubeconfigs.ts";
import { kubeletClientPem } from "../render/kubelet.ts";
import { apiOf, type Session } from "../session.ts";
import { openApiService } from "./api-service.ts";
import { startKubelet } from "./kubelet.ts";

const kubeletKubeconfig = "/etc/kubernetes/kubelet.conf";
const bootstrapKubeconfig = "/etc/kubernetes/bootstrap-kubelet.conf";
/** What kubeadm's preflight refuses, as a join that was interrupted leaves it. */
const halfJoined = [kubeletKubeconfig, bootstrapKubeconfig, "/etc/kubernetes/pki/ca.crt"];

const intervalMs = 200;
const attempts = 3;
const retryDelayMs = 1000;
/** kubeadm's words for what another attempt cannot mend: a failed preflight check, and a Ready Node of this name. */
const senselessToRetry = /\[ERROR \w+|already exists in the cluster/;

/**
 * `kubeadm join` by file discovery: the cluster's authority is pinned, and a certificate stands in for the token. A join
 * that was interrupted is taken up where the kubelet has its certificate already, and begun again where it has not.
 */
export async function joinCluster(session: Session, signal: AbortSignal): Promise<void> {
  await joinWithRetries(session, signal);
  // As long as it is valid it may ask for the certificate of any node.
  for (const path of [bootstrapKubeconfig, discoveryKubeconfig]) await rm(below(session.root, path), { force: true });
}

/** kubelet writes its kubeconfig when it has its certificate, though not atomically. */
async function hasJoined({ root }: Session): Promise<boolean> {
  const read = (path: string) => readFile(below(root, path), "utf8").catch(() => "");
  const [kubeconfig, client] = await Promise.all([read(kubeletKubeconfig), read(kubeletClientPem)]);
  return kubeconfig.includes(kubeletClientPem) && client.includes("PRIVATE KEY");
}

/** What `kubeadm join` reads, and the rights it reads it with: its own patience is a third of a second (kubernetes/kubeadm#3315). */
async function waitForClusterConfig(session: Session, signal: AbortSignal): Promise<void> {
  const [anonymous, bootstrap] = await Promise.all([apiOf(session, "anonymous"), apiOf(session, "bootstrap")]);
  const ask = async () => {
    const wanted = [
      // Published for everybody, as the last part of the phase that gives bootstrapping nodes their rights.
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
  try {
    await poll(ask, { signal, intervalMs, failure: { code: "kubernetes", message: "Cannot read what to join" } });
  } finally {
    anonymous.close();
    bootstrap.close();
  }
}

/** The first error says most: those of later attempts may be about what it left. */
async function joinWithRetries(session: Session, signal: AbortSignal): Promise<void> {
  let first: unknown;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return await joinOnce(session, signal);
    } catch (error) {
      first ??= error;
      const { message, logTail = "" } = toBootstrapError(error, "kubernetes");
      if (signal.aborted || senselessToRetry.test(`${message} ${logTail}`)) break;
      await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
    }
  }
  throw first;
}

async function joinOnce(session: Session, signal: AbortSignal): Promise<void> {
  const { root, exec } = session;
  if (await hasJoined(session)) return startKubelet(session, signal);
  await waitForClusterConfig(session, signal);
  await exec(["systemctl", "stop", "kubelet.service"], signal);
  for (const path of halfJoined) await rm(below(root, path), { force: true });
  await openApiService(session, signal);
  await exec(["kubeadm", "join", `--config=${below(root, kubeadmJoinConfig)}`], signal);
}
