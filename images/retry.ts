import { setTimeout as sleep } from "node:timers/promises";

export interface Failure {
  /** Whether it may go by itself. */
  passing: boolean;
  error: unknown;
}

const attempts = 5;

/** Until an attempt returns null; what lasts, or has not passed after five attempts, is thrown. */
export async function retryPassing(
  attempt: () => Promise<Failure | null>,
  { firstDelayMs, signal }: { firstDelayMs: number; signal: AbortSignal },
): Promise<void> {
  for (let count = 1; ; count += 1) {
    const failure = await attempt();
    if (failure === null) return;
    signal.throwIfAborted();
    if (!failure.passing || count === attempts) throw failure.error;
    await sleep(firstDelayMs * 2 ** (count - 1) * (0.5 + Math.random()), undefined, { signal });
  }
}
