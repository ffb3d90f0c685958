import type { ClusterFailure } from "#api/cluster.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { bySprout } from "./audit.ts";
import { pause } from "./clock.ts";
import { changeCluster } from "./decide.ts";
import { deleteCluster } from "./delete-cluster.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { canBecome, failCluster, isComingUp, liveStates } from "./lifecycle.ts";
import { toPeerReport } from "./peers.ts";
import { recordRefusalSummaries } from "./refusals.ts";
import { describeCauses, describeMissing } from "./verdict.ts";

/** The node counts the same deadline: its reason is better and should win. */
export const graceMs = 10_000;
const intervalMs = 1000;
const pageSize = 500;
const deletionReasons = { ttl: "Its time to live is over", "failed-ttl": "Failed clusters are kept no longer" };

export type Overdue = "provision-allowance" | "deadline" | "ttl" | "failed-ttl";

/** What is due for a cluster now, if anything. */
export function findOverdue(cluster: ClusterRecord, now: number): Overdue | undefined {
  if (cluster.expiresAt !== null && now >= cluster.expiresAt && canBecome(cluster, "deleting")) return "ttl";
  if (cluster.state === "failed" && now >= (cluster.failedAt ?? 0) + cluster.failedTtlSeconds * 1000)
    return "failed-ttl";
  if (!isComingUp(cluster)) return undefined;
  if (cluster.deadlineAt === null) return now >= cluster.provisionDeadlineAt ? "provision-allowance" : undefined;
  return now >= cluster.deadlineAt + graceMs ? "deadline" : undefined;
}

/** Looks at every live cluster once a second; everything it knows is in the store, so a restart changes nothing. */
export async function watchDeadlines(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await enforceDeadlines(deps);
      await recordRefusalSummaries(deps);
    } catch (error) {
      deps.logger.error("Deadlines could not be checked; trying again", { error: String(error) });
    }
    await pause(deps.clock, { delayMs: intervalMs, signal });
  }
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
    else await failOverdue(deps, { clusterId: cluster.id });
  }
}

/** Every cluster that is not gone yet, newest first. */
export async function* liveClusters(store: Pick<Store, "clusters">): AsyncGenerator<ClusterRecord> {
  for (let after: string | undefined; ;) {
    const page = await store.clusters({
      states: liveStates,
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < pageSize) return;
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

/** Why no metadata was final in time: who was never launched, and who was and never called. */
export function explainProvisioning(
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

/** What the server saw where the first control plane, which would know better, said nothing. */
export function explainDeadline(
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

/** A worker's last step is its network; the first control plane is done with the proof only. */
function isFinished(member: MemberRecord): boolean {
  const last = member.first ? "verify" : "network";
  return member.state !== "failed" && member.phases.some(({ phase, state }) => phase === last && state === "done");
}
