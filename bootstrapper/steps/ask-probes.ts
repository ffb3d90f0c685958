import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { isResolved, lastLine, maxReportCharacters, type ProbeReports } from "./probe-reports.ts";

interface Pods {
  items: { spec: { nodeName?: string }; status: { podIP?: string } }[];
}

interface AskProbesOptions {
  api: Pick<KubernetesApi, "get">;
  /** Returns what the probe at an address says. Undefined if it does not answer. */
  askProbe: (address: string, signal: AbortSignal) => Promise<string | undefined>;
  signal: AbortSignal;
}

const intervalMs = 500;
const answerTimeoutMs = 1000;
const selector = encodeURIComponent("app.kubernetes.io/name=sprout-probe");

/**
 * Asks the probes that have not reported `resolved`, until the signal aborts. With a custom network manifest, a
 * firewall may keep pods from this node's ports, but not this node from its pods.
 */
export async function askProbes(reports: ProbeReports, { api, askProbe, signal }: AskProbesOptions): Promise<void> {
  const ask = async () => {
    const pods = await api.get<Pods>(`/api/v1/namespaces/kube-system/pods?labelSelector=${selector}`, signal);
    await Promise.all(
      (pods?.items ?? []).map(async ({ spec: { nodeName }, status: { podIP } }) => {
        if (nodeName === undefined || podIP === undefined || isResolved(reports.get(nodeName))) return;
        const answer = await askProbe(podIP, signal);
        if (answer !== undefined && !isResolved(reports.get(nodeName))) reports.set(nodeName, lastLine(answer));
      }),
    );
  };
  while (!signal.aborted) {
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    // An API server that stays away is reported by the caller, which waits for the reports.
    if (!signal.aborted) await ask().catch(() => undefined);
  }
}

/** Importing it at the top would load undici, a quarter of the time to start. */
const loadHttp = () => process.getBuiltinModule("node:http");

/** Returns a function that asks a probe over the pod network. */
export function createAskProbe(port = 8080): AskProbesOptions["askProbe"] {
  const agent: Agent = new (loadHttp().Agent)({ maxSockets: 32 });
  return (host, signal) =>
    new Promise((resolve) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
      const request = loadHttp().get({ host, port, path: "/dns", agent, signal: limit }, (incoming) => {
        let answer = "";
        incoming
          .setEncoding("utf8")
          .on("data", (part: string) => {
            answer += part;
            // A pod's answer may be endless.
            if (answer.length > maxReportCharacters) incoming.destroy();
          })
          .once("error", () => resolve(undefined))
          .once("close", () => resolve(incoming.statusCode === 200 ? answer.slice(0, maxReportCharacters) : undefined));
      });
      request.once("error", () => resolve(undefined));
    });
}
