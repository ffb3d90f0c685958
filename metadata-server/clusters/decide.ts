import type { ClusterRecord } from "../store/records.ts";
import { type Changes, type Store, StoreConflict } from "../store/store.ts";

/** Far more writers than one record ever has. */
const maxAttempts = 100;

export interface Decision<T> {
  /** Nothing is written without them. */
  changes?: Changes;
  result: T;
}

/** Reads, decides and commits; decides again where another writer was faster. Other conflicts are the caller's. */
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

/** Changes one cluster, where there is something to change; tells whether it did. */
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
