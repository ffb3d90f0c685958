import { messageOf } from "#lib/errors.ts";
import { retry } from "#lib/retry.ts";
import { BootstrapError, type FailureCode, RetryableError } from "./errors.ts";

/** Returns a signal that aborts after these seconds. AbortSignal.timeout takes whole milliseconds only. */
export const deadlineSignal = (seconds: number): AbortSignal => AbortSignal.timeout(Math.ceil(seconds * 1000));

interface PollOptions {
  signal: AbortSignal;
  intervalMs: number;
  /** What the waiting is for, as in "Cannot reach API server". */
  failure: string;
  /** Of the error when time is up; `kubernetes` by default. */
  code?: FailureCode;
}

const longestPauseMs = 1000;
const noAnswer = new Error("no answer yet");

/**
 * Asks until `ask` returns a value. Errors are retried, but a BootstrapError ends the wait at once. A pause is twice as
 * long as the last attempt, or `intervalMs` if that is longer: on a slow machine the answers would take the processor time
 * that it needs to become ready. Throws BootstrapError with the last error when the signal aborts.
 */
export async function poll<T>(ask: () => Promise<T | undefined>, options: PollOptions): Promise<T> {
  const { signal, intervalMs, failure, code = "kubernetes" } = options;
  let last: unknown = noAnswer;
  let attemptMs = 0;
  const attempt = async () => {
    const startedAt = performance.now();
    const answer = await ask().finally(() => {
      attemptMs = performance.now() - startedAt;
    });
    if (answer === undefined) throw noAnswer;
    return answer;
  };
  try {
    return await retry(attempt, {
      signal,
      delays: { firstMs: intervalMs },
      delayFor: () => Math.max(intervalMs, Math.min(2 * attemptMs, longestPauseMs)),
      isRetriable: (error) => !(error instanceof BootstrapError),
      onFailure: ({ error }) => {
        if (error !== noAnswer) last = error;
      },
    });
  } catch (error) {
    if (error instanceof BootstrapError) throw error;
    throw new BootstrapError(code, `${failure}: ${messageOf(last)}, and time is up`);
  }
}

interface RetryRequestOptions {
  signal: AbortSignal;
  /** As in "Cannot fetch metadata". */
  failure: string;
}

/**
 * Repeats a request while it throws RetryableError. When the signal aborts, throws BootstrapError `server-unreachable`
 * with the first error and the last. Other errors are thrown at once.
 */
export async function retryRequest<T>(attempt: () => Promise<T>, options: RetryRequestOptions): Promise<T> {
  const { signal, failure } = options;
  let first: unknown;
  try {
    return await retry(attempt, {
      signal,
      delays: { firstMs: 100, longestMs: 2000, jitter: [0, 1] },
      delayFor: (error) => (error as RetryableError).retryAfterMs,
      isRetriable: (error) => error instanceof RetryableError,
      onFailure: ({ error }) => {
        first ??= error;
      },
    });
  } catch (error) {
    if (error !== signal.reason && !(error instanceof RetryableError)) throw error;
    const last = error instanceof RetryableError ? error.message : "not tried yet";
    const also = first === undefined || messageOf(first) === last ? "" : ` (first: ${messageOf(first)})`;
    throw new BootstrapError("server-unreachable", `${failure}: ${last}${also}, and time is up`);
  }
}
