import type { z } from "zod";
import type { Cluster, ClusterList, GetClusterQuery, ListClustersQuery } from "#api/cluster.ts";
import { isSettled, type WaitCondition } from "#api/wait.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord } from "../store/records.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { hold } from "./hold.ts";
import { liveStates } from "./lifecycle.ts";
import { toCluster, toClusterSummary } from "./view.ts";

type Readers = Pick<ClusterDependencies, "store" | "clock">;

/** Throws DomainError `not-found`. */
export async function findCluster({ store }: Pick<Readers, "store">, clusterId: string): Promise<ClusterRecord> {
  const cluster = await store.cluster(clusterId);
  if (cluster === undefined) throw new DomainError("not-found", `There is no cluster ${clusterId}`);
  return cluster;
}

/** With `wait`, answered when that is reached or cannot be any more, at the latest after `timeout` seconds. */
export async function getCluster(
  deps: Readers,
  clusterId: string,
  { wait, timeout, signal }: z.infer<typeof GetClusterQuery> & { signal: AbortSignal },
): Promise<Cluster> {
  const cluster = await findCluster(deps, clusterId);
  if (wait !== undefined) {
    const options = { clusterId, holdMs: timeout * 1000, signal };
    await hold(deps, options, async () => (await hasSettled(deps, clusterId, wait)) || undefined);
  }
  return toCluster(
    wait === undefined ? cluster : await findCluster(deps, clusterId),
    await deps.store.members(clusterId),
  );
}

/** Asked after every change of the cluster: members, of which there may be thousands, are read only if they matter. */
async function hasSettled(deps: Readers, clusterId: string, wait: WaitCondition): Promise<boolean> {
  const cluster = await findCluster(deps, clusterId);
  const mayHaveFailed = wait === "available" && cluster.state === "ready";
  return isSettled({ ...cluster, members: mayHaveFailed ? await deps.store.members(clusterId) : [] }, wait);
}

/** Newest first; deleted ones only where they are asked for. */
export async function listClusters(
  { store }: Readers,
  { state, name, limit, after }: z.infer<typeof ListClustersQuery>,
): Promise<z.infer<typeof ClusterList>> {
  const page = await store.clusters({
    states: state === undefined ? liveStates : [state],
    limit: limit + 1,
    ...(name === undefined ? {} : { name }),
    ...(after === undefined ? {} : { after }),
  });
  const clusters = page.slice(0, limit).map(toClusterSummary);
  return { clusters, next: page.length > limit ? (clusters.at(-1)?.id ?? null) : null };
}
