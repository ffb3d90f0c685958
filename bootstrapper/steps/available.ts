import type { Agent } from "node:http";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { readImageManifest } from "../image-manifest.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { waitForClusterDns } from "./cluster-dns.ts";

interface Pods {
  items: { spec: { nodeName?: string }; status: { podIP?: string } }[];
}
interface DaemonSet {
  status?: { numberAvailable?: number; desiredNumberScheduled?: number };
}

const limitMs = 120_000;
const intervalMs = 200;
const answerTimeoutMs = 1000;
const apps = "/apis/apps/v1/namespaces/kube-system/daemonsets";
const probe = `${apps}/sprout-probe`;
const selector = encodeURIComponent("app.kubernetes.io/name=sprout-probe");

/**
 * A Ready node can still fail every pod: a probe on each must answer this node over the pod network, and kube-proxy
 * must run everywhere, and so must CoreDNS somewhere if the image has it. The probe is removed again.
 */
export async function proveAvailable(session: Session, signal: AbortSignal): Promise<void> {
  const peers = session.metadata.peers ?? [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const api = await apiOf(session, "admin");
  const remove = () => api.delete(`${probe}?propagationPolicy=Background`, AbortSignal.timeout(5000));
  try {
    await api.apply(probe, await session.render("kubernetes/probe.yaml", {}), limit);
    const { clusterDns } = await readImageManifest(session.root);
    await Promise.all([
      waitForProbes(api, peers, limit),
      waitForKubeProxy(api, peers.length, limit),
      ...(clusterDns ? [waitForClusterDns(api, limit)] : []),
    ]);
  } catch (error) {
    // Why the proof failed says more than that its probe could not be removed either.
    await remove().catch(() => undefined);
    api.close();
    throw error;
  }
  await remove().finally(() => api.close());
}

async function waitForProbes(api: KubernetesApi, peers: string[], signal: AbortSignal) {
  const answered = new Set<string>();
  const agent = new (loadHttp().Agent)({ maxSockets: 32 });
  const ask = async () => {
    const pods = await api.get<Pods>(`/api/v1/namespaces/kube-system/pods?labelSelector=${selector}`, signal);
    const waiting = (pods?.items ?? []).filter(
      ({ spec }) => spec.nodeName !== undefined && !answered.has(spec.nodeName),
    );
    await Promise.all(
      waiting.map(async ({ spec: { nodeName = "" }, status: { podIP } }) => {
        if (podIP !== undefined && (await answers(podIP, { agent, signal }))) answered.add(nodeName);
      }),
    );
    const silent = peers.filter((name) => !answered.has(name));
    if (silent.length > 0) throw new Error(`no pod answers on ${silent.join(", ")}`);
    return true;
  };
  await poll(ask, { signal, intervalMs, failure: { code: "kubernetes", message: "Cannot reach a pod on every node" } });
}

async function waitForKubeProxy(api: KubernetesApi, nodes: number, signal: AbortSignal) {
  const ask = async () => {
    const daemonSet = await api.get<DaemonSet>(`${apps}/kube-proxy`, signal);
    const available = daemonSet?.status?.numberAvailable ?? 0;
    if (available < nodes) throw new Error(`it is available on ${available} of ${nodes} nodes`);
    return true;
  };
  await poll(ask, {
    signal,
    intervalMs,
    failure: { code: "kubernetes", message: "Cannot get kube-proxy on every node" },
  });
}

/** Imported above, it would load undici and be a quarter of the time to start. */
const loadHttp = () => process.getBuiltinModule("node:http");

/** Any answer counts: the page does not matter, the way there does. */
function answers(address: string, { agent, signal }: { agent: Agent; signal: AbortSignal }): Promise<boolean> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
    loadHttp()
      .get({ host: address, port: 8080, path: "/", agent, signal: limit }, (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode !== undefined);
      })
      .once("error", () => resolve(false));
  });
}
