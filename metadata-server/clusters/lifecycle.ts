import type { ClusterFailure, ClusterState } from "#api/cluster.ts";
import type { MemberFailure } from "#api/member.ts";
import type { NewEvent } from "#api/event.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";

/** `failed` is terminal: nothing leads out of it but the end. From `ready` only the loss of its control planes leads there. */
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

/** Still on its way to ready. */
const comingUpStates: ClusterState[] = ["pending", "provisioning", "bootstrapping"];
export const isComingUp = ({ state }: ClusterRecord) => comingUpStates.includes(state);

/** Machines of such a cluster get nothing any more. */
export const isOver = ({ state }: ClusterRecord) => ["failed", "deleting", "deleted"].includes(state);

export interface Transition {
  to: ClusterState;
  at: number;
  /** Fields that change with the state. */
  fields?: Partial<ClusterRecord>;
  /** For the timeline. */
  message?: string;
}

type ClusterChange = Required<Pick<Changes, "clusters" | "events">>;

/** The record in its next state and the event that tells of it. Throws where the lifecycle has no such step. */
export function transition(cluster: ClusterRecord, { to, at, fields = {}, message }: Transition): ClusterChange {
  if (!canBecome(cluster, to)) throw new Error(`Cannot move cluster ${cluster.id} from ${cluster.state} to ${to}`);
  return {
    clusters: [{ ...cluster, ...fields, state: to }],
    events: [clusterEvent(cluster.id, { state: to, at, message })],
  };
}

export const failCluster = (cluster: ClusterRecord, { failure, at }: { failure: ClusterFailure; at: number }) =>
  transition(cluster, { to: "failed", at, fields: { failure, failedAt: at }, message: failure.message });

/** The first error is kept, whatever follows it. */
export function failMember(member: MemberRecord, failure: MemberFailure): MemberRecord {
  return { ...member, state: "failed", failure: member.failure ?? failure };
}

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

export const toTime = (milliseconds: number) => new Date(milliseconds).toISOString();
