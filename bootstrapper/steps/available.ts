import { BootstrapError, toBootstrapError } from "../errors.ts";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";
import { apiOf, type Session } from "../session.ts";
import { waitForReadyApiServer } from "./api-server.ts";
import { waitForClusterDns } from "./cluster-dns.ts";
import { createAskProbe, dnsName, waitForProbes } from "./probe-pods.ts";

interface DaemonSet {
  status?: { numberAvailable?: number; desiredNumberScheduled?: number };
}

const limitMs = 120_000;
const intervalMs = 200;
const apps = "/apis/apps/v1/namespaces/kube-system/daemonsets";
const probe = `${apps}/sprout-probe`;

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
    await all([
      waitForProbes(peers, { api, askProbe: createAskProbe(), signal: limit }),
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

/** Waits for all of them, so that no reason hides another. */
async function all(parts: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(parts);
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === "fulfilled" ? [] : [toBootstrapError(outcome.reason, "kubernetes").message],
  );
  if (reasons.length > 0) throw new BootstrapError("kubernetes", reasons.join("; "));
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
