import { apiOf } from "./kubernetes-api.ts";
import type { ClaimedNode } from "./node-context.ts";
import { waitForReadyApiServer } from "./api-server.ts";
import { askProbes, createAskProbe } from "./ask-probes.ts";
import { listenForProbes } from "./listen-for-probes.ts";
import { dnsName, type ProbeReports, waitForReports } from "./probe-reports.ts";

const limitMs = 120_000;
const probe = "/apis/apps/v1/namespaces/kube-system/daemonsets/sprout-probe";

/**
 * Proves that pods work, because a Ready node can still fail every pod. A probe on each node must find its node's
 * kube-proxy at work, resolve a name through the DNS Service, and report to this node over the pod network. The probe
 * is removed again.
 */
export async function proveAvailable(node: ClaimedNode, signal: AbortSignal): Promise<void> {
  const { self, peers = [] } = node.metadata;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const done = new AbortController();
  const reports: ProbeReports = new Map();
  using listener = await listenForProbes({ address: self.address, peers }, reports);
  using api = await apiOf(node, "admin");
  const remove = () => api.delete(`${probe}?propagationPolicy=Background`, AbortSignal.timeout(5000));
  let asking: Promise<void> | undefined;
  try {
    // By then everything that its DaemonSet needs exists, and no controller backs off.
    await waitForReadyApiServer(api, limit);
    const values = { dnsName, reportUrl: listener.url };
    await api.apply(probe, await node.render("kubernetes/probe.yaml", values), limit);
    asking = askProbes(reports, { api, askProbe: createAskProbe(), signal: AbortSignal.any([limit, done.signal]) });
    await waitForReports(peers, reports, limit);
    await remove();
  } catch (error) {
    // The reason why the proof failed matters more than a probe that cannot be removed.
    await remove().catch(() => undefined);
    throw error;
  } finally {
    done.abort();
    await asking;
  }
}
