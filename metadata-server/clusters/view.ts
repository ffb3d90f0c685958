import type { z } from "zod";
import type { Cluster, ClusterSummary } from "#api/cluster.ts";
import type { Member, MemberState } from "#api/member.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { toTime, toTimeOrNull } from "./lifecycle.ts";

type Common = Omit<z.infer<typeof Cluster>, "members">;

export const toCluster = (cluster: ClusterRecord, members: readonly MemberRecord[]): Cluster => ({
  ...toCommon(cluster),
  members: members.map((member) => toMember(cluster, member)),
});

export const toClusterSummary = (cluster: ClusterRecord): ClusterSummary => ({
  ...toCommon(cluster),
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

/** The proof covers every member of that time, so only the cluster's record has it. */
export function memberState(cluster: ClusterRecord, { state, joinBy, detachment }: MemberRecord): MemberState {
  if (detachment !== undefined && state !== "deleted") return "detaching";
  return cluster.readyAt !== null && joinBy === undefined && (state === "bootstrapping" || state === "launched")
    ? "ready"
    : state;
}
