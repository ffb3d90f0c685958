import { type Clock, pause, systemClock } from "./clock.ts";

/** Pauses between attempts, in milliseconds. */
interface Delays {
  firstMs: number;
  /** Each pause is the last one times this; 2 by default, 1 for a constant interval. */
  factor?: number;
  longestMs?: number;
  /** Bounds of a random factor for each pause, such as [0.5, 1]. None by default. */
  jitter?: readonly [low: number, high: number];
}

export interface RetryFailure {
  error: unknown;
  /** The pause that follows. */
  delayMs: number;
}

export interface RetryOptions {
  delays: Delays;
  signal?: AbortSignal;
  clock?: Clock;
  /** Between 0 and 1, for the jitter. */
  random?: () => number;
  /** Whether another attempt may succeed. By default every error is retried. */
  isRetriable?: (error: unknown) => boolean;
  /** Unlimited by default. */
  maxAttempts?: number;
  /** No attempt begins later than this after the first one. Unlimited by default. */
  deadlineMs?: number;
  /** The pause that an error asks for, such as `Retry-After`. It replaces the planned one. */
  delayFor?: (error: unknown) => number | undefined;
  /** Called before each pause. What it throws ends the retries. */
  onFailure?: (failure: RetryFailure) => void | Promise<void>;
}

/**
 * Repeats `attempt` until it succeeds and returns its result. Throws the last error if it is not retriable, or if
 * attempts, deadline or signal end the retries. An attempt that the signal interrupted says little, so the error before
 * it is thrown. Throws the signal's reason if it has aborted already.
 */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, clock = systemClock, isRetriable = () => true, onFailure } = options;
  const { maxAttempts = Infinity, deadlineMs = Infinity, delayFor = () => undefined } = options;
  signal?.throwIfAborted();
  const lastStartAt = clock.now() + deadlineMs;
  let before: { error: unknown } | undefined;
  for (let count = 1; ; count += 1)
    try {
      return await attempt();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      if (signal?.aborted) throw before === undefined ? error : before.error;
      if (count >= maxAttempts || clock.now() >= lastStartAt) throw error;
      const delayMs = delayFor(error) ?? plannedDelay(count, options);
      await onFailure?.({ error, delayMs });
      await pause(clock, { delayMs, signal });
      if (signal?.aborted) throw error;
      before = { error };
    }
}

function plannedDelay(count: number, { delays, random = Math.random }: RetryOptions): number {
  const { firstMs, factor = 2, longestMs = Infinity, jitter: [low, high] = [1, 1] } = delays;
  return Math.min(firstMs * factor ** (count - 1), longestMs) * (low + (high - low) * random());
}
