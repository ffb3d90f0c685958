/** Time as a dependency, so that tests advance it instead of waiting. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, after the delay. The function that it returns cancels the call. */
  schedule(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or at once when the signal aborts. */
export function pause(
  clock: Clock,
  { delayMs, signal }: { delayMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", end);
      resolve();
    });
    const end = () => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", end, { once: true });
  });
}
