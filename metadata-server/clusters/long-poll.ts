import type { Store } from "../store/store.ts";
import type { Clock } from "#lib/clock.ts";

interface LongPollOptions {
  clusterId: string;
  holdMs: number;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

/**
 * Attempts again after every change of the cluster until there is an answer. Returns undefined after `holdMs`, or if
 * the client is gone.
 */
export async function longPoll<T>(
  { store, clock }: { store: Store; clock: Clock },
  { clusterId, holdMs, signal }: LongPollOptions,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  let ended = signal.aborted;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const end = () => {
    ended = true;
    wake();
  };
  const unwatch = store.watch(clusterId, wake);
  const cancel = clock.schedule(holdMs, end);
  signal.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      changed = Promise.withResolvers<void>();
      const answer = await attempt();
      if (answer !== undefined || ended) return answer;
      await changed.promise;
      if (ended) return undefined;
    }
  } finally {
    unwatch();
    cancel();
    signal.removeEventListener("abort", end);
  }
}
