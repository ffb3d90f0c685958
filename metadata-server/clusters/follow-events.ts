import type { Event } from "#api/event.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { longPoll } from "./long-poll.ts";

const pageSize = 500;

export interface FollowOptions {
  clusterId: string;
  /** Sequence of the last event that the client has; 0 for all. */
  after: number;
  /** An empty page is sent after this time without an event. */
  heartbeatMs: number;
  signal: AbortSignal;
}

/**
 * Yields pages of events as they happen, empty ones as heartbeats. Ends if the cluster is deleted or the signal aborts.
 */
export async function* followEvents(
  deps: Pick<ClusterDependencies, "store" | "clock">,
  { clusterId, after, heartbeatMs, signal }: FollowOptions,
): AsyncGenerator<Event[]> {
  const { store } = deps;
  for (let last = after; !signal.aborted;) {
    const events = await longPoll(deps, { clusterId, holdMs: heartbeatMs, signal }, async () => {
      const page = await store.events(clusterId, last, pageSize);
      if (page.length > 0) return page;
      const cluster = await store.cluster(clusterId);
      const isGone = cluster === undefined || cluster.state === "deleted";
      return isGone ? page : undefined;
    });
    if (signal.aborted) return;
    yield events ?? [];
    if (events?.length === 0 || events?.some(isDeletion)) return;
    last = events?.at(-1)?.sequence ?? last;
  }
}

const isDeletion = (event: Event) => event.type === "cluster" && event.state === "deleted";
