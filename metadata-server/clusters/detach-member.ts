import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { isChanging, serves } from "./control-planes.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { detachmentName, startDetachment } from "./detachment.ts";
import type { StoredCluster } from "./idempotency.ts";
import { memberEvent } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";
import { memberState } from "./view.ts";

export interface Drain {
  /** 0 evicts no pod. */
  drainTimeoutSeconds: number;
  /** Whether it leaves even if pods are left when the time is up. */
  force: boolean;
  /** Of a control plane: once it is gone, another one is attached. */
  isReplaced?: true;
  by: Actor;
}

interface DetachOptions extends Drain {
  clusterId: string;
  /** Of the member. */
  name: string;
}

/**
 * Decides that a member leaves its Ready cluster; its node is drained, its machine terminated and its record removed in
 * the background. Until its pods are gone, a further request replaces its time and `force`.
 * Throws DomainError `not-found`, `not-ready` or `wrong-state`.
 */
export async function detachMember(deps: ClusterDependencies, options: DetachOptions): Promise<StoredCluster> {
  const { store, clock } = deps;
  const { clusterId, name } = options;
  const { isDecided, ...stored } = await decide(store, async () => {
    const cluster = await findCluster(deps, clusterId);
    const members = await store.members(clusterId);
    const member = members.find((each) => each.name === name);
    if (member === undefined)
      throw new DomainError("not-found", `Cluster ${cluster.name} has no member ${name}; list its members`);
    refuseState(cluster, member);
    if (member.detachment?.drainedAt !== undefined) return { result: { cluster, members, isDecided: false } };
    if (member.role === "control-plane") refuseLostQuorum(cluster, { name, members });
    const { leaving, ...recorded } = beginDeparture(member, { at: clock.now(), ...options });
    const changes = {
      // Two requests at once must not cost the quorum: each of them changes the cluster's record.
      clusters: member.role === "control-plane" ? [cluster] : [],
      members: [leaving],
      ...recorded,
    };
    const after = members.map((each) => (each === member ? leaving : each));
    return { changes, result: { cluster, members: after, isDecided: true } };
  });
  // A drain that runs has the old time. One that is done continues: it may be waiting for the provider.
  if (isDecided) await deps.background.stop(detachmentName({ clusterId, name }));
  startDetachment(deps, { clusterId, name });
  return stored;
}

/** Returns the member's record with its detachment, and what the timeline and the audit log say of it. */
export function beginDeparture(
  member: MemberRecord,
  { at, drainTimeoutSeconds, force, isReplaced, by }: Drain & { at: number },
): { leaving: MemberRecord } & Required<Pick<Changes, "events" | "audit">> {
  const { clusterId, name } = member;
  const { detachFailure: _, ...rest } = member;
  const message =
    drainTimeoutSeconds === 0 ? "Detaching without a drain" : `Draining for ${drainTimeoutSeconds} s at most`;
  return {
    leaving: {
      ...rest,
      detachment: { drainBy: at + drainTimeoutSeconds * 1000, force, ...(isReplaced && { isReplaced }) },
    },
    events: [memberEvent({ clusterId, name, state: "detaching" }, { at, message })],
    audit: [auditAllowed(by, { action: "member-detach", at, clusterId, member: name, detail: message })],
  };
}

function refuseState(cluster: ClusterRecord, member: MemberRecord): void {
  const { name } = member;
  if (cluster.state !== "ready")
    throw new DomainError(
      "not-ready",
      `Cluster ${cluster.name} is ${cluster.state}; members are detached from a ready cluster only`,
      { refused: { clusterId: cluster.id, member: name } },
    );
  const state = memberState(cluster, member);
  if (!["ready", "failed", "detaching"].includes(state))
    throw new DomainError("wrong-state", `Member ${name} is ${state}; detach it once it is ready or has failed`);
}

/**
 * Most of the control planes that are left must be there: etcd answers no one without a quorum. One that has failed to
 * join counts for nothing.
 */
function refuseLostQuorum(
  cluster: ClusterRecord,
  { name, members }: { name: string; members: readonly MemberRecord[] },
): void {
  const isServing = serves(cluster, { name });
  if (cluster.controlPlanes.length === 1 && isServing)
    throw new DomainError(
      "wrong-state",
      `Cannot detach ${name}: it is the last control plane of ${cluster.name}; delete the cluster instead`,
    );
  const others = members.filter((member) => member.role === "control-plane" && member.name !== name);
  const changing = others.find(
    (other) => isChanging(cluster, other) && (other.detachment !== undefined || other.state !== "failed"),
  );
  if (changing !== undefined)
    throw new DomainError(
      "wrong-state",
      `Cannot detach ${name} while ${changing.name} is ${changing.detachment === undefined ? "joining" : "detaching"}: control planes come and go one after another`,
    );
  if (!isServing) return;
  const serving = others.filter((other) => serves(cluster, other));
  const present = serving.filter(({ endedAt }) => endedAt === undefined).length;
  if (present > serving.length / 2) return;
  throw new DomainError(
    "wrong-state",
    `Cannot detach ${name}: ${present} of the other ${serving.length} control planes are running, too few for an etcd quorum; detach one that has terminated`,
  );
}
