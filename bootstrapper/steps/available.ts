import type { Agent } from "node:http";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { waitForReadyApiServer } from "./api-server.ts";
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

/** What every pod of a working cluster resolves. */
const dnsName = "kubernetes.default.svc.cluster.local";

/**
 * A Ready node can still fail every pod: a probe on each must answer this node over the pod network and resolve a name by
 * way of the DNS Service, kube-proxy must run everywhere and CoreDNS somewhere. The probe is removed again.
 */
export async function proveAvailable(session: Session, signal: AbortSignal): Promise<void> {
  const peers = session.metadata.peers ?? [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const api = await apiOf(session, "admin");
  const remove = () => api.delete(`${probe}?propagationPolicy=Background`, AbortSignal.timeout(5000));
  try {
    // What its DaemonSet needs is made by then, and no controller backs off for it.
    await waitForReadyApiServer(api, limit);
    await api.apply(probe, await session.render("kubernetes/probe.yaml", { dnsName }), limit);
    await Promise.all([
      waitForProbes(api, peers, limit),
      waitForKubeProxy(api, peers.length, limit),
      waitForClusterDns(api, limit),
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
  const resolved = new Set<string>();
  const agent = new (loadHttp().Agent)({ maxSockets: 32 });
  const ask = async () => {
    const pods = await api.get<Pods>(`/api/v1/namespaces/kube-system/pods?labelSelector=${selector}`, signal);
    const waiting = (pods?.items ?? []).filter(
      ({ spec }) => spec.nodeName !== undefined && !resolved.has(spec.nodeName),
    );
    await Promise.all(
      waiting.map(async ({ spec: { nodeName = "" }, status: { podIP } }) => {
        if (podIP === undefined) return;
        const status = await askProbe(podIP, { agent, signal });
        if (status !== undefined) answered.add(nodeName);
        if (status === 200) resolved.add(nodeName);
      }),
    );
    const silent = peers.filter((name) => !answered.has(name));
    if (silent.length > 0) throw new Error(`no pod answers on ${silent.join(", ")}`);
    const lost = peers.filter((name) => !resolved.has(name));
    if (lost.length > 0) throw new Error(`pods on ${lost.join(", ")} do not resolve ${dnsName}`);
    return true;
  };
  await poll(ask, {
    signal,
    intervalMs,
    failure: { code: "kubernetes", message: "Cannot get pods to work on every node" },
  });
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

/** The answer's status: 404 until the probe has resolved the name. Undefined where nobody answers. */
function askProbe(
  address: string,
  { agent, signal }: { agent: Agent; signal: AbortSignal },
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
    loadHttp()
      .get({ host: address, port: 8080, path: "/dns", agent, signal: limit }, (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      })
      .once("error", () => resolve(undefined));
  });
}
