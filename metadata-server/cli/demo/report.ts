import path from "node:path";
import type { Cluster } from "#api/cluster.ts";
import { formatDuration } from "../display/duration.ts";
import { defaultDataDir } from "../environment.ts";
import type { Style } from "../display/style.ts";
import { findSlowestStep, shortName, type SlowestStep, type Timeline } from "../timeline/model.ts";
import type { WorkloadResult } from "./workload.ts";

/** The one JSON object that `sprout demo --json` ends with. */
export type DemoReport =
  | {
      ready: true;
      /** From sending the POST to hearing that every node is Ready. */
      seconds: number;
      /** The server's own measure until a probe pod answered on every node; null where that was not reported. */
      availableSeconds: number | null;
      nodes: number;
      kubernetesVersion: string;
      /** Milliseconds of each step on each machine. */
      phases: Record<string, Record<string, number>>;
      slowest: SlowestStep | null;
      workload: WorkloadResult;
    }
  | { ready: false; error: string };

export type DemoSuccess = DemoReport & { ready: true };

export function toDemoReport(result: {
  cluster: Cluster;
  timeline: Timeline;
  seconds: number;
  workload: WorkloadResult;
}): DemoSuccess {
  const { cluster, timeline, seconds, workload } = result;
  const sinceCreated = (at: string | null) =>
    at === null ? null : (Date.parse(at) - Date.parse(cluster.createdAt)) / 1000;
  return {
    ready: true,
    seconds,
    availableSeconds: sinceCreated(cluster.availableAt),
    nodes: cluster.members.length,
    kubernetesVersion: cluster.kubernetesVersion,
    phases: Object.fromEntries(cluster.members.map((member) => [member.name, Object.fromEntries(toDurations(member))])),
    slowest: findSlowestStep(timeline),
    workload,
  };
}

const toDurations = (member: Cluster["members"][number]) =>
  member.phases.flatMap(({ phase, durationMs }) => (durationMs === undefined ? [] : [[phase, durationMs] as const]));

/** What the workload proved, a line each. */
export function renderWorkload(
  { pods, crossNode, serviceBackends, nodePorts, retries }: WorkloadResult,
  { clusterDns }: { clusterDns: boolean },
): string {
  const lines = [
    `a web server runs on each of ${pods} nodes`,
    pods > 1 ? `${crossNode} of ${crossNode} requests from pods to pods on other nodes answered` : "",
    `the Service address answered from ${serviceBackends} of ${pods} nodes`,
    `the NodePort of ${nodePorts} of ${pods} nodes answered this host`,
    retries > 0 ? `${retries} of these checks had to be repeated` : "",
    clusterDns ? "" : "there is no cluster DNS: the image has no CoreDNS, as Debian has none",
  ];
  return lines.flatMap((line) => (line === "" ? [] : [`    ${line}\n`])).join("");
}

export function renderResult(report: DemoSuccess, style: Style): string {
  const { seconds, nodes, slowest } = report;
  const step = slowest
    ? `\nSlowest step: ${slowest.phase} on ${shortName(slowest.member)}, ${formatDuration(slowest.durationMs)}`
    : "";
  return `${style(["bold", "green"], `${formatDuration(seconds * 1000)} from POST to all ${nodes} nodes Ready`)}${step}`;
}

/** How to use a demo that goes on running. */
export function renderKept(kept: {
  kubeconfig: string;
  url: string;
  dataDir: string;
  kubectl: string;
  demoDir: string;
}): string {
  const parent = path.dirname(kept.demoDir);
  const place = parent === defaultDataDir ? "" : ` --data-dir ${parent}`;
  return `
The cluster goes on running. Use it:

  export KUBECONFIG=${kept.kubeconfig}
  ${kept.kubectl} get pods -A -o wide

Ask the metadata server:

  export SPROUT_SERVER=${kept.url} SPROUT_DATA_DIR=${kept.dataDir}
  npm run sprout -- clusters get demo

Remove it:

  npm run demo -- --clean${place}
`;
}
