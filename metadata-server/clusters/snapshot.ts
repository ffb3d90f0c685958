import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { type Store, StoreUnavailable } from "../store/store.ts";

/** A record takes about 2 KB, so that a snapshot takes about 100 MB at most. */
const mostMembers = 50_000;
const probeMs = 1000;

/** Records of live clusters, without secrets. */
interface Copy {
  clusters: Map<string, { cluster: ClusterRecord; members: Map<string, MemberRecord> }>;
  byKey: Map<string, MemberRecord>;
}

/** What nodes' metadata is made of, as it was a few seconds ago. */
export interface Snapshot {
  /** The store; while it is away, reads of nodes' metadata are answered from the copy. Everything else fails. */
  readonly store: Store;
  /** Begins a new copy, which replaces the last one when it is `done`. */
  begin: () => { add: (cluster: ClusterRecord, members: readonly MemberRecord[]) => void; done: () => void };
}

const createCopy = (): Copy => ({ clusters: new Map(), byKey: new Map() });

/** Keeps a copy of live clusters in memory: the newest ones, with 50,000 members at most. */
export function createSnapshot(
  store: Store,
  { logger, limit = mostMembers }: { logger: Logger; limit?: number },
): Snapshot {
  let current = createCopy();
  let isAway = false;

  /** While the store is away, a read does not wait for it. */
  async function read<T>(live: () => Promise<T>, copied: () => T | undefined): Promise<T> {
    const early = isAway ? copied() : undefined;
    if (early !== undefined) return early;
    try {
      return await live();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      void probe();
      const late = copied();
      if (late === undefined) throw error;
      return late;
    }
  }

  async function probe(): Promise<void> {
    if (isAway) return;
    isAway = true;
    logger.warn("The store is away; nodes get metadata from a snapshot", { clusters: current.clusters.size });
    while (isAway) {
      await delay(probeMs, undefined, { ref: false });
      // Another error than that it is away is for the next read to show.
      isAway = await store.check().then(
        () => false,
        (error: unknown) => error instanceof StoreUnavailable,
      );
    }
    logger.info("The store is back", {});
  }

  return {
    store: {
      ...store,
      cluster: (id) =>
        read(
          () => store.cluster(id),
          () => current.clusters.get(id)?.cluster,
        ),
      member: (clusterId, name) =>
        read(
          () => store.member(clusterId, name),
          () => current.clusters.get(clusterId)?.members.get(name),
        ),
      memberNames: (clusterId) =>
        read(
          () => store.memberNames(clusterId),
          () => {
            const kept = current.clusters.get(clusterId);
            return kept && [...kept.members.keys()];
          },
        ),
      memberByKey: (key) =>
        read(
          () => store.memberByKey(key),
          () => current.byKey.get(key),
        ),
    },
    begin() {
      const next = createCopy();
      let count = 0;
      return {
        add(cluster, members) {
          count += members.length;
          if (count > limit) return;
          next.clusters.set(cluster.id, { cluster, members: new Map(members.map((member) => [member.name, member])) });
          for (const member of members)
            for (const key of [member.capabilityHash, member.spentCapabilityHash])
              if (key !== null) next.byKey.set(key, member);
        },
        done() {
          if (count > limit)
            logger.warn("The snapshot of nodes' metadata is full; it has the newest clusters", { limit });
          current = next;
        },
      };
    },
  };
}

/** Returns dependencies for reads of nodes' metadata. */
export const withSnapshot = <T extends { store: Store; snapshot?: Snapshot | undefined }>(deps: T): T =>
  deps.snapshot === undefined ? deps : { ...deps, store: deps.snapshot.store };
