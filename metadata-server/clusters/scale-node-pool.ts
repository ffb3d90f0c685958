import type { ScaleNodePool } from "#api/node-pool.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { StoreConflict } from "../store/store.ts";
import { attachMembers } from "./attach-members.ts";
import type { Actor } from "./audit.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { beginDeparture } from "./detach-member.ts";
import { detachmentName, startDetachment } from "./detachment.ts";
import type { StoredCluster } from "./idempotency.ts";
import { chooseLeaving, findPool, stayingIn } from "./node-pools.ts";
import { findCluster } from "./queries.ts";

interface ScaleOptions extends ScaleNodePool {
  clusterId: string;
  /** Of the node pool. */
  name: string;
  by: Actor;
}

/**
 * Decides how many workers a node pool of a Ready cluster has: further ones are attached, or some detached, side by
 * side, in the background. A later request replaces the number. Throws DomainError `not-found`, `not-ready`,
 * `invalid-request` or `no-capacity`.
 */
export async function scaleNodePool(deps: ClusterDependencies, options: ScaleOptions): Promise<StoredCluster> {
  const { clusterId, name, workers } = options;
  for (;;) {
    const cluster = await findCluster(deps, clusterId);
    findPool(cluster, name);
    refuseState(cluster);
    const missing = workers - stayingIn(await deps.store.members(clusterId), name).length;
    const stored = missing > 0 ? await grow(deps, { ...options, missing }) : await shrink(deps, options);
    // Undefined: another request has changed the pool in between.
    if (stored !== undefined) return stored;
  }
}

function refuseState({ id, name, state }: ClusterRecord): void {
  if (state === "ready") return;
  throw new DomainError("not-ready", `Cluster ${name} is ${state}; node pools are scaled once it is ready`, {
    refused: { clusterId: id, member: null },
  });
}

/** Those that could not be drained are wanted again. */
const keep = (staying: readonly MemberRecord[]): MemberRecord[] =>
  staying.filter(({ detachFailure }) => detachFailure !== undefined).map(withoutFailure);

function withoutFailure(member: MemberRecord): MemberRecord {
  const { detachFailure: _, ...kept } = member;
  return kept;
}

async function grow(
  deps: ClusterDependencies,
  { clusterId, name, workers, missing, by }: ScaleOptions & { missing: number },
): Promise<StoredCluster | undefined> {
  const change = (present: readonly MemberRecord[]) => {
    const staying = stayingIn(present, name);
    if (staying.length + missing !== workers) throw new StoreConflict("stale", `Node pool ${name} has changed`);
    return keep(staying);
  };
  try {
    return await attachMembers(deps, { workers: missing, nodePool: name }, { clusterId, by, change });
  } catch (error) {
    if (error instanceof StoreConflict && error.reason === "stale") return undefined;
    throw error;
  }
}

async function shrink(deps: ClusterDependencies, options: ScaleOptions): Promise<StoredCluster | undefined> {
  const { clusterId, name, workers } = options;
  const decided = await decide(deps.store, async () => {
    const cluster = await findCluster(deps, clusterId);
    refuseState(cluster);
    const members = await deps.store.members(clusterId);
    const staying = stayingIn(members, name);
    if (staying.length < workers) return { result: undefined };
    const chosen = chooseLeaving(staying, staying.length - workers);
    const departures = chosen.map((member) => beginDeparture(member, { at: deps.clock.now(), ...options }));
    const leaving = departures.map((departure) => departure.leaving);
    const changed = [...leaving, ...keep(staying.filter((member) => !chosen.includes(member)))];
    const changes = {
      // Of two requests at once the later one decides by what the first one has done.
      clusters: [cluster],
      members: changed,
      events: departures.flatMap(({ events }) => events),
      audit: departures.flatMap(({ audit }) => audit),
    };
    const after = members.map((member) => changed.find((each) => each.name === member.name) ?? member);
    const result = { leaving, stored: { cluster, members: after } };
    return changed.length === 0 ? { result } : { changes, result };
  });
  if (decided === undefined) return undefined;
  await Promise.all(
    decided.leaving.map(async (member) => {
      // One that was given up a moment ago may not have ended.
      await deps.background.stop(detachmentName(member));
      startDetachment(deps, member);
    }),
  );
  return decided.stored;
}
