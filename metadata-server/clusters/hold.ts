import type { Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";

export interface HoldOptions {
  clusterId: string;
  holdMs: number;
  /** The client's: a request nobody waits for any more is not held. */
  signal: AbortSignal;
}

/** Asks again after every change of the cluster until there is an answer; undefined when the time or the client is gone. */
export async function hold<T>(
  { store, clock }: { store: Store; clock: Clock },
  { clusterId, holdMs, signal }: HoldOptions,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  let over = signal.aborted;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const end = () => {
    over = true;
    wake();
  };
  const unwatch = store.watch(clusterId, wake);
  const cancel = clock.schedule(holdMs, end);
  signal.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      changed = Promise.withResolvers<void>();
      const answer = await attempt();
      if (answer !== undefined || over) return answer;
      await changed.promise;
      if (over) return undefined;
    }
  } finally {
    unwatch();
    cancel();
    signal.removeEventListener("abort", end);
  }
}
