import type { ClusterFailure, ClusterState } from "#api/cluster.ts";
import type { MemberFailure } from "#api/member.ts";
import type { NewEvent } from "#api/event.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";

/** A failed cluster can only be deleted. A ready one fails only if it loses its control planes. */
const successors: Record<ClusterState, readonly ClusterState[]> = {
  pending: ["provisioning", "bootstrapping", "failed", "deleting"],
  provisioning: ["bootstrapping", "failed", "deleting"],
  bootstrapping: ["ready", "failed", "deleting"],
  ready: ["failed", "deleting"],
  failed: ["deleting"],
  deleting: ["deleted"],
  deleted: [],
};

/** Everything but `deleted`. */
export const liveStates: ClusterState[] = ["pending", "provisioning", "bootstrapping", "ready", "failed", "deleting"];

export const canBecome = (cluster: ClusterRecord, state: ClusterState) => successors[cluster.state].includes(state);

/** States that may still lead to `ready`. */
const comingUpStates: ClusterState[] = ["pending", "provisioning", "bootstrapping"];
export const isComingUp = ({ state }: ClusterRecord) => comingUpStates.includes(state);

/** Whether it is being deleted, or was. */
export const isDeleted = ({ state }: ClusterRecord) => state === "deleting" || state === "deleted";

/** Whether it failed or is deleted: its machines get nothing more. */
export const hasEnded = (cluster: ClusterRecord) => cluster.state === "failed" || isDeleted(cluster);

interface Transition {
  to: ClusterState;
  at: number;
  /** Further fields that change with the state. */
  fields?: Partial<ClusterRecord>;
  /** For the timeline. */
  message?: string;
}

type ClusterChange = Required<Pick<Changes, "clusters" | "events">>;

/** Returns the record in its next state, and the event. Throws if the lifecycle has no such step. */
export function transition(cluster: ClusterRecord, { to, at, fields = {}, message }: Transition): ClusterChange {
  if (!canBecome(cluster, to)) throw new Error(`Cannot move cluster ${cluster.id} from ${cluster.state} to ${to}`);
  return {
    clusters: [{ ...cluster, ...fields, state: to }],
    events: [clusterEvent(cluster.id, { state: to, at, message })],
  };
}

export const failCluster = (cluster: ClusterRecord, { failure, at }: { failure: ClusterFailure; at: number }) =>
  transition(cluster, { to: "failed", at, fields: { failure, failedAt: at }, message: failure.message });

/** Keeps the first failure, because later ones often follow from it. */
export function failMember(member: MemberRecord, failure: MemberFailure): MemberRecord {
  return { ...member, state: "failed", failure: member.failure ?? failure };
}

/** Returns the record without its `joinBy`: there is nothing left to wait for. */
export function withoutJoinBy<T extends { joinBy?: number }>(record: T): T {
  const settled = { ...record };
  delete settled.joinBy;
  return settled;
}

/** Fields of a member whose machine has not called yet. */
export const unheard = {
  spentCapabilityHash: null,
  reportTokenHash: null,
  reportTokenUsedAt: null,
  bound: null,
  claims: 0,
  confirmedAt: null,
  confirmations: 0,
  phase: null,
  phases: [],
  lastSequence: 0,
  launchedAt: null,
  firstContactAt: null,
  lastReportAt: null,
  failure: null,
} satisfies Partial<MemberRecord>;

type StoredEvent = { clusterId: string; event: NewEvent };

export const clusterEvent = (
  clusterId: string,
  { state, at, message }: { state: ClusterState; at: number; message?: string | undefined },
): StoredEvent => ({
  clusterId,
  event: { type: "cluster", at: toTime(at), state, ...(message === undefined ? {} : { message }) },
});

export const memberEvent = (
  { clusterId, name, state }: Pick<MemberRecord, "clusterId" | "name" | "state">,
  { at, message }: { at: number; message?: string },
): StoredEvent => ({
  clusterId,
  event: { type: "member", at: toTime(at), member: name, state, ...(message === undefined ? {} : { message }) },
});

export const alertEvent = (
  { clusterId, name }: Pick<MemberRecord, "clusterId" | "name">,
  { at, code, message }: { at: number; code: string; message: string },
): StoredEvent => ({ clusterId, event: { type: "alert", at: toTime(at), member: name, code, message } });

export const toTime = (milliseconds: number) => new Date(milliseconds).toISOString();
export const toTimeOrNull = (milliseconds: number | null) => (milliseconds === null ? null : toTime(milliseconds));
