import type { ClusterFailure } from "#api/cluster.ts";
import { messageOf } from "#lib/errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { bySprout } from "./audit.ts";
import { repeat } from "./background.ts";
import { changeCluster } from "./decide.ts";
import { deleteCluster } from "./delete-cluster.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { canBecome, failCluster, isComingUp } from "./lifecycle.ts";
import { liveClusters } from "./queries.ts";
import { toPeerReport } from "./peers.ts";
import { failLateMembers } from "./late-members.ts";
import { describeCauses, describeMissing } from "./verdict.ts";

/** The node counts the same deadline. Its reason is better, so it gets time to report first. */
const graceMs = 10_000;
const intervalMs = 1000;
const deletionReasons = {
  ttl: "Its time to live has ended",
  "failed-ttl": "The time to keep a failed cluster has ended",
};

type Overdue = "provision-allowance" | "deadline" | "join" | "ttl" | "failed-ttl";

/** Returns what is due for a cluster now, if anything. */
export function findOverdue(cluster: ClusterRecord, now: number): Overdue | undefined {
  if (cluster.expiresAt !== null && now >= cluster.expiresAt && canBecome(cluster, "deleting")) return "ttl";
  if (cluster.state === "failed" && now >= (cluster.failedAt ?? 0) + cluster.failedTtlSeconds * 1000)
    return "failed-ttl";
  if (cluster.state === "ready" && cluster.joinBy !== undefined && now >= cluster.joinBy) return "join";
  if (!isComingUp(cluster)) return undefined;
  if (cluster.deadlineAt === null) return now >= cluster.provisionDeadlineAt ? "provision-allowance" : undefined;
  return now >= cluster.deadlineAt + graceMs ? "deadline" : undefined;
}

/** Checks every live cluster once a second. It keeps nothing in memory, so a restart changes nothing. */
export async function watchDeadlines(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  const onFailure = (error: unknown) => logger.error("Cannot check deadlines; retrying", { error: messageOf(error) });
  await repeat(() => enforceDeadlines(deps), { clock, intervalMs, signal, onFailure });
}

export async function enforceDeadlines(deps: ClusterDependencies): Promise<void> {
  for await (const cluster of liveClusters(deps.store)) {
    const overdue = findOverdue(cluster, deps.clock.now());
    if (overdue === undefined) continue;
    if (overdue === "ttl" || overdue === "failed-ttl")
      await deleteCluster(deps, {
        clusterId: cluster.id,
        by: bySprout,
        reason: deletionReasons[overdue],
        isDue: (current) => findOverdue(current, deps.clock.now()) === overdue,
      });
    else if (overdue === "join") await failLateMembers(deps, { clusterId: cluster.id });
    else await failOverdue(deps, { clusterId: cluster.id });
  }
}

async function failOverdue({ store, clock, logger }: ClusterDependencies, { clusterId }: { clusterId: string }) {
  const failed = await changeCluster({ store, clusterId }, async (cluster) => {
    const at = clock.now();
    const overdue = findOverdue(cluster, at);
    if (overdue !== "provision-allowance" && overdue !== "deadline") return undefined;
    const members = await store.members(clusterId);
    const explain = overdue === "deadline" ? explainDeadline : explainProvisioning;
    return failCluster(cluster, { failure: explain(cluster, { members, at }), at });
  });
  if (failed) logger.warn("Cluster failed", { clusterId, reason: (await store.cluster(clusterId))?.failure?.message });
}

/** Explains why no metadata was final in time: which machines were not launched, and which never called. */
function explainProvisioning(
  cluster: ClusterRecord,
  { members, at }: { members: MemberRecord[]; at: number },
): ClusterFailure {
  const countedFrom = members.find(({ first }) => first)?.launchedAt ?? cluster.createdAt;
  const allowance = Math.round((cluster.provisionDeadlineAt - countedFrom) / 1000);
  const silent = members.filter(({ firstContactAt }) => firstContactAt === null);
  const reasons = silent.map(({ name, launchedAt }) => {
    if (launchedAt === null) return `${name} (not launched)`;
    return `${name} (launched ${Math.round((at - launchedAt) / 1000)} s ago)`;
  });
  const missing = silent.map((member) => toPeerReport(member, at));
  if (missing.length === 0) return { message: `No control plane address was known within ${allowance} s` };
  const said = `Never called within the provision allowance of ${allowance} s: ${reasons.join(", ")}`;
  return { message: `${said}${describeCauses(members)}`, missing };
}

/** Explains a missed deadline from what the server saw, because the first control plane did not report. */
function explainDeadline(
  cluster: ClusterRecord,
  { members, at }: { members: MemberRecord[]; at: number },
): ClusterFailure {
  const unfinished = members.filter((member) => !isFinished(member));
  const missing = unfinished.map((member) => toPeerReport(member, at));
  return {
    message: `Not ready within ${cluster.deadlineSeconds} s: ${missing.map(describeMissing).join(", ")}${describeCauses(members)}`,
    missing,
  };
}

/** A member's last step is its network; the first control plane's is the proof. */
function isFinished(member: MemberRecord): boolean {
  const last = member.first ? "verify" : "network";
  return member.state !== "failed" && member.phases.some(({ phase, state }) => phase === last && state === "done");
}
