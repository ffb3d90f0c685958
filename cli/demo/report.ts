import path from "node:path";
import type { Cluster } from "#api/cluster.ts";
import { formatDuration } from "../display/duration.ts";
import { defaultDataDir } from "../environment.ts";
import type { Style } from "../display/style.ts";
import { findSlowestStep, shortName, type SlowestStep, type Timeline } from "../timeline/model.ts";
import type { WorkloadResult } from "./workload.ts";

/** The JSON object that `sprout demo --json` prints at the end. */
export type DemoReport =
  | {
      ready: true;
      /** From the POST to the answer that every node is Ready. */
      seconds: number;
      /** From the POST to the answer that the cluster is available: pods and DNS answer on every node. */
      availableSeconds: number;
      nodes: number;
      kubernetesVersion: string;
      /** Milliseconds of each step on each machine. */
      phases: Record<string, Record<string, number>>;
      slowest: SlowestStep | null;
      workload: WorkloadResult;
    }
  | { ready: false; error: string };

type DemoSuccess = DemoReport & { ready: true };

export function toDemoReport(result: {
  cluster: Cluster;
  timeline: Timeline;
  seconds: number;
  availableSeconds: number;
  workload: WorkloadResult;
}): DemoSuccess {
  const { cluster, timeline, seconds, availableSeconds, workload } = result;
  return {
    ready: true,
    seconds,
    availableSeconds,
    nodes: cluster.members.length,
    kubernetesVersion: cluster.kubernetesVersion,
    phases: Object.fromEntries(cluster.members.map((member) => [member.name, Object.fromEntries(toDurations(member))])),
    slowest: findSlowestStep(timeline),
    workload,
  };
}

const toDurations = (member: Cluster["members"][number]) =>
  member.phases.flatMap(({ phase, durationMs }) => (durationMs === undefined ? [] : [[phase, durationMs] as const]));

/** Renders what the workload proved, one result a line. */
export function renderWorkload(result: WorkloadResult): string {
  const { pods, crossNode, serviceBackends, serviceNames, nodePorts, retries } = result;
  const lines = [
    `a web server runs on each of ${pods} nodes`,
    pods > 1 ? `${crossNode} of ${crossNode} requests from pods to pods on other nodes answered` : "",
    `the Service address answered from ${serviceBackends} of ${pods} nodes`,
    `the Service's name was resolved on ${serviceNames} of ${pods} nodes, and answered`,
    `the NodePort of ${nodePorts} of ${pods} nodes answered this host`,
    retries > 0 ? `${retries} of these checks had to be repeated` : "",
  ];
  return lines.flatMap((line) => (line === "" ? [] : [`    ${line}\n`])).join("");
}

export function renderResult(report: DemoSuccess, style: Style): string {
  const { seconds, availableSeconds, nodes, slowest } = report;
  const step = slowest
    ? `\nSlowest step: ${slowest.phase} on ${shortName(slowest.member)}, ${formatDuration(slowest.durationMs)}`
    : "";
  const ready = `${formatDuration(seconds * 1000)} from POST to all ${nodes} nodes Ready`;
  const available = `${formatDuration(availableSeconds * 1000)} until usable: DNS answers on every node`;
  return `${style(["bold", "green"], `${ready}, ${available}`)}${step}`;
}

/** Renders how to use and remove a demo that was kept. */
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
The cluster keeps running. Use it:

  export KUBECONFIG=${kept.kubeconfig}
  ${kept.kubectl} get pods -A -o wide

Query the metadata server:

  export SPROUT_SERVER=${kept.url} SPROUT_DATA_DIR=${kept.dataDir}
  npm run sprout -- clusters get demo

Remove it:

  npm run demo -- --clean${place}
`;
}
