import { type Clock, pause } from "./clock.ts";

const firstDelayMs = 1000;
const longestDelayMs = 30_000;

export interface TryAgainOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Told of each failure before the pause that follows it. */
  onFailure: (failure: { error: unknown; delayMs: number }) => Promise<void>;
}

/** Until `attempt` does not throw or `signal` aborts, with pauses from 1 to 30 seconds, each twice the last. */
export async function tryAgain(
  attempt: () => Promise<void>,
  { clock, signal, onFailure }: TryAgainOptions,
): Promise<void> {
  for (let delayMs = firstDelayMs; !signal.aborted; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    try {
      return await attempt();
    } catch (error) {
      await onFailure({ error, delayMs });
    }
    await pause(clock, { delayMs, signal });
  }
}
