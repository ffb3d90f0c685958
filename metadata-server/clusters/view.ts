import type { z } from "zod";
import type { Cluster, ClusterSummary } from "#api/cluster.ts";
import type { Member, MemberState } from "#api/member.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { isWanted, poolOf, poolsOf } from "./node-pools.ts";
import { toTime, toTimeOrNull } from "./lifecycle.ts";

type Common = Omit<z.infer<typeof Cluster>, "members" | "nodePools" | "degraded">;

export const toCluster = (cluster: ClusterRecord, members: readonly MemberRecord[]): Cluster => ({
  ...toCommon(cluster),
  nodePools: poolsOf(cluster).map((pool) => {
    const own = members.filter((member) => poolOf(member) === pool.name);
    const ready = own.filter((member) => memberState(cluster, member) === "ready");
    return { ...pool, workers: own.filter(isWanted).length, members: own.length, ready: ready.length };
  }),
  degraded: cluster.state === "ready" ? whyDegraded(members) : null,
  members: members.map((member) => toMember(cluster, member)),
});

export const toClusterSummary = (cluster: ClusterRecord): ClusterSummary => ({
  ...toCommon(cluster),
  nodePools: poolsOf(cluster),
  nodes: cluster.nodes,
});

function toCommon(cluster: ClusterRecord): Common {
  const { id, name, state, failure, kubernetesVersion, provider, join, endpoint, network, labels } = cluster;
  return {
    id,
    name,
    state,
    failure,
    kubernetesVersion,
    provider,
    join,
    endpoint,
    network,
    labels,
    maxUnhealthy: cluster.maxUnhealthy ?? 0,
    deadlineSeconds: cluster.deadlineSeconds,
    failedTtlSeconds: cluster.failedTtlSeconds,
    createdAt: toTime(cluster.createdAt),
    deadlineAt: toTimeOrNull(cluster.deadlineAt),
    readyAt: toTimeOrNull(cluster.readyAt),
    availableAt: toTimeOrNull(cluster.availableAt),
    failedAt: toTimeOrNull(cluster.failedAt),
    expiresAt: toTimeOrNull(cluster.expiresAt),
  };
}

function toMember(cluster: ClusterRecord, member: MemberRecord): Member {
  const { name, role, allocation, address, podCidr, phase, phases, failure } = member;
  return {
    name,
    role,
    nodePool: poolOf(member) ?? null,
    allocation,
    address,
    podCidr,
    state: memberState(cluster, member),
    phase,
    phases,
    launchedAt: toTimeOrNull(member.launchedAt),
    firstContactAt: toTimeOrNull(member.firstContactAt),
    lastReportAt: toTimeOrNull(member.lastReportAt),
    failure,
    detachFailure: member.detachFailure ?? null,
  };
}

const mostNamed = 3;

/** Returns which members have failed or have a problem, and the reasons; null if all are well. */
function whyDegraded(members: readonly MemberRecord[]): string | null {
  const reasons = members.flatMap(({ name, state, failure, trouble }) => {
    if (state === "failed") return `${name}: ${failure?.error ?? "failed"}`;
    return trouble === undefined ? [] : `${name}: ${trouble}`;
  });
  if (reasons.length === 0) return null;
  const more = reasons.length > mostNamed ? `; and ${reasons.length - mostNamed} more` : "";
  return `${reasons.length} of ${members.length} members: ${reasons.slice(0, mostNamed).join("; ")}${more}`;
}

/** The proof covers every member of that time, so only the cluster's record has it. */
export function memberState(cluster: ClusterRecord, { state, joinBy, detachment }: MemberRecord): MemberState {
  if (detachment !== undefined && state !== "deleted") return "detaching";
  return cluster.readyAt !== null && joinBy === undefined && (state === "bootstrapping" || state === "launched")
    ? "ready"
    : state;
}
