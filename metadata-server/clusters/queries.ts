import type { z } from "zod";
import type { Cluster, ClusterList, ListClustersQuery } from "#api/cluster.ts";
import type { GetClusterQuery } from "#api/get-cluster.ts";
import { isSettled, type WaitCondition } from "#api/wait.ts";
import { DomainError } from "../errors.ts";
import { pages } from "../store/pages.ts";
import type { ClusterRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { longPoll } from "./long-poll.ts";
import { liveStates } from "./lifecycle.ts";
import { toCluster, toClusterSummary } from "./view.ts";

type Readers = Pick<ClusterDependencies, "store" | "clock">;

/** Throws DomainError `not-found`. */
export async function findCluster({ store }: Pick<Readers, "store">, clusterId: string): Promise<ClusterRecord> {
  const cluster = await store.cluster(clusterId);
  if (cluster === undefined) throw new DomainError("not-found", `There is no cluster ${clusterId}`);
  return cluster;
}

/**
 * Reads a cluster. With `wait`, holds the request until that condition is met or impossible, at most `timeout` seconds.
 */
export async function getCluster(
  deps: Readers,
  clusterId: string,
  { wait, timeout, signal }: z.infer<typeof GetClusterQuery> & { signal: AbortSignal },
): Promise<Cluster> {
  const cluster = await findCluster(deps, clusterId);
  if (wait !== undefined) {
    const options = { clusterId, holdMs: timeout * 1000, signal };
    await longPoll(deps, options, async () => (await hasSettled(deps, clusterId, wait)) || undefined);
  }
  return toCluster(
    wait === undefined ? cluster : await findCluster(deps, clusterId),
    await deps.store.members(clusterId),
  );
}

/** Runs after every change of the cluster, so it reads the members, possibly thousands, only if they matter. */
async function hasSettled(deps: Readers, clusterId: string, wait: WaitCondition): Promise<boolean> {
  const cluster = await findCluster(deps, clusterId);
  const mayHaveFailed = wait === "available" && cluster.state === "ready";
  return isSettled({ ...cluster, members: mayHaveFailed ? await deps.store.members(clusterId) : [] }, wait);
}

const pageSize = 500;

/** Yields every cluster that is not deleted, newest first. */
export async function* liveClusters(store: Pick<Store, "clusters">): AsyncGenerator<ClusterRecord> {
  const read = (after: string | undefined) =>
    store.clusters({ states: liveStates, limit: pageSize, ...(after !== undefined && { after }) });
  for await (const page of pages({ read, pageSize, cursorOf: ({ id }) => id })) yield* page;
}

/** Lists clusters, newest first; deleted ones only if `state` asks for them. */
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
