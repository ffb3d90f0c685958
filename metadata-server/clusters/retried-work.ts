import { messageOf } from "#lib/errors.ts";
import { retry, type RetryFailure } from "#lib/retry.ts";
import type { ClusterRecord } from "../store/records.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent } from "./lifecycle.ts";

const delays = { firstMs: 1000, longestMs: 30_000 };

interface RetriedWork {
  clusterId: string;
  /** Of the background work, and of its lease: one server at a time attempts it. */
  name: string;
  /** As in "Cannot delete cluster". */
  goal: string;
  /** Asked before each attempt: other states of the cluster end the work. */
  isNeeded: (cluster: ClusterRecord) => boolean;
  /** Gets dependencies whose store refuses commits once the lease is lost. */
  attempt: (deps: ClusterDependencies, cluster: ClusterRecord, signal: AbortSignal) => Promise<void>;
}

/**
 * Starts background work that is retried until it succeeds, unless another server is at it. Failures are logged and put
 * on the cluster's timeline.
 */
export function startRetriedWork(given: ClusterDependencies, work: RetriedWork): void {
  // What starts it may have a lease that ends before.
  const deps = { ...given, store: given.leases.store };
  const { store, clock, leases } = deps;
  const { clusterId, name, isNeeded, attempt } = work;
  deps.background.start(name, async (signal) => {
    const attemptIfNeeded = async () => {
      await leases.run({ name, signal }, async (leased) => {
        const cluster = await store.cluster(clusterId);
        if (cluster !== undefined && isNeeded(cluster))
          await attempt({ ...deps, store: leased.store }, cluster, leased.signal);
      });
    };
    await retry(attemptIfNeeded, {
      signal,
      clock,
      delays,
      onFailure: (failure) => recordFailure(deps, { work, failure }),
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  });
}

async function recordFailure(
  { store, clock, logger }: ClusterDependencies,
  { work, failure }: { work: RetriedWork; failure: RetryFailure },
): Promise<void> {
  const { clusterId, goal, isNeeded } = work;
  const reason = messageOf(failure.error);
  logger.error(`Cannot ${goal}; retrying`, { clusterId, error: reason, delayMs: failure.delayMs });
  const cluster = await store.cluster(clusterId);
  // Nothing is left to retry.
  if (cluster === undefined || !isNeeded(cluster)) throw failure.error;
  const message = `Cannot ${goal}: ${reason}; retrying in ${failure.delayMs / 1000} s`;
  await store.commit({ events: [clusterEvent(clusterId, { state: cluster.state, at: clock.now(), message })] });
}
