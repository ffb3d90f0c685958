import type { Cluster, ClusterSummary } from "#api/cluster.ts";
import type { NodePoolStatus } from "#api/node-pool.ts";
import { whyUnavailable } from "#api/wait.ts";
import { formatAge, formatDuration } from "./duration.ts";
import { renderFacts } from "./facts.ts";
import { printable } from "./printable.ts";
import { paintState } from "./state.ts";
import type { Display } from "./style.ts";
import { renderTable } from "./table.ts";

const headings = ["name", "id", "state", "nodes", "version", "provider", "age", "ready after", "expires in"];

export function renderClusterList(clusters: readonly ClusterSummary[], { now, style }: Display) {
  if (clusters.length === 0) return "No clusters\n";
  return renderTable(
    headings,
    clusters.map((cluster) => [
      cluster.name,
      cluster.id,
      paintState(cluster.state, style),
      String(cluster.nodes),
      cluster.kubernetesVersion,
      cluster.provider,
      formatAge(now - Date.parse(cluster.createdAt)),
      between(cluster.createdAt, cluster.readyAt),
      cluster.expiresAt === null ? "-" : formatAge(Date.parse(cluster.expiresAt) - now),
    ]),
  );
}

/** Renders a cluster: its facts, why it failed, and every machine with its last step. */
export function renderCluster(cluster: Cluster, { now, style }: Display): string {
  const facts: [string, string][] = [
    ["Name", cluster.name],
    ["Id", cluster.id],
    ["State", paintState(cluster.state, style)],
    ["Kubernetes", cluster.kubernetesVersion],
    ["Provider", cluster.provider],
    ["Endpoint", cluster.endpoint],
    ["Pods", cluster.network.podSubnet],
    ["Services", cluster.network.serviceSubnet],
    ["Created", cluster.createdAt],
    ["Ready after", between(cluster.createdAt, cluster.readyAt)],
    ["Available after", between(cluster.createdAt, cluster.availableAt)],
    ["Expires", cluster.expiresAt ?? "never"],
    ...(cluster.nodePools.length > 1 ? cluster.nodePools : []).map((pool): [string, string] => [
      "Node pool",
      renderNodePool(pool),
    ]),
    ...(cluster.degraded === null ? [] : [["Degraded", printable(cluster.degraded)] satisfies [string, string]]),
    ...Object.entries(cluster.labels).map(([key, value]): [string, string] => ["Label", printable(`${key}=${value}`)]),
  ];
  const members = renderTable(
    ["machine", "role", "pool", "address", "state", "step", "last report"],
    cluster.members.map((member) => [
      member.name,
      member.role,
      member.nodePool ?? "-",
      member.address ?? "-",
      paintState(member.state, style),
      member.phase ?? "-",
      member.lastReportAt === null ? "-" : `${formatAge(now - Date.parse(member.lastReportAt))} ago`,
    ]),
  );
  return `${renderFacts(facts)}${renderFailure(cluster)}${renderUnavailable(cluster)}${renderBlocked(cluster)}\n${members}`;
}

/**
 * Renders why a cluster failed: each missing peer with its last step, each machine's first error. Empty if it did not.
 */
export function renderFailure(cluster: Cluster): string {
  const lines: string[] = [];
  if (cluster.failure) {
    lines.push(`Failure: ${cluster.failure.message}`);
    for (const peer of cluster.failure.missing ?? []) {
      const heard = peer.lastReportAgoMs === null ? "never called" : `${formatDuration(peer.lastReportAgoMs)} before`;
      lines.push(`  missing ${peer.name}: last step ${peer.lastPhase}, ${heard}`);
    }
  }
  for (const { name, failure } of cluster.members)
    if (failure) lines.push(`  ${name} failed at ${failure.phase}: ${failure.error}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** Renders why a ready cluster did not become available. Empty if it did, or may still. */
export function renderUnavailable(cluster: Cluster): string {
  const why = whyUnavailable(cluster);
  return why === null ? "" : `Not available: ${printable(why)}\n`;
}

/** Renders the blocked pairs of nodes, even if the cluster came up. Empty if every path is open. */
function renderBlocked({ members }: Cluster): string {
  const found = members.flatMap(({ phases }) =>
    phases.flatMap(({ phase, state, error }) => (phase === "peers" && state === "failed" ? (error ?? []) : [])),
  );
  return found.map((pairs) => `Blocked: ${printable(pairs)}\n`).join("");
}

const between = (from: string, to: string | null): string =>
  to === null ? "-" : formatDuration(Date.parse(to) - Date.parse(from));

function renderNodePool({ name, workers, members, ready, image }: NodePoolStatus): string {
  const present = members === workers ? "" : `, ${members} present`;
  return `${name}: ${ready} of ${workers} workers ready${present}${image === undefined ? "" : `, image ${image}`}`;
}
