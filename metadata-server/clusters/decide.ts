import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { type Changes, type Store, StoreConflict } from "../store/store.ts";

/** Far more than one record ever has writers. */
const maxAttempts = 100;

export interface Decision<T> {
  /** Undefined to write nothing. */
  changes?: Changes;
  result: T;
}

/** Reads, decides and commits. Decides again if another writer was faster; throws every other conflict. */
export async function decide<T>(store: Store, attempt: () => Promise<Decision<T>>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    const { changes, result } = await attempt();
    if (changes === undefined) return result;
    try {
      await store.commit(changes);
      return result;
    } catch (error) {
      if (!(error instanceof StoreConflict && error.reason === "stale") || attempts === maxAttempts) throw error;
    }
  }
}

/** Changes one cluster, if there is something to change. Returns whether it did. */
export async function changeCluster(
  { store, clusterId }: { store: Store; clusterId: string },
  change: (cluster: ClusterRecord) => Changes | undefined | Promise<Changes | undefined>,
): Promise<boolean> {
  return decide(store, async () => {
    const cluster = await store.cluster(clusterId);
    const changes = cluster && (await change(cluster));
    return changes === undefined ? { result: false } : { changes, result: true };
  });
}

/** Changes one member, if there is something to change. Returns whether it did. */
export async function changeMember(
  store: Store,
  { clusterId, name }: Pick<MemberRecord, "clusterId" | "name">,
  change: (current: {
    cluster: ClusterRecord;
    member: MemberRecord;
  }) => Changes | undefined | Promise<Changes | undefined>,
): Promise<boolean> {
  return decide(store, async () => {
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    const changes = cluster && member && (await change({ cluster, member }));
    return changes === undefined ? { result: false } : { changes, result: true };
  });
}
