import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError } from "../errors.ts";

/** An attempt that may be repeated, with the time the server asked for. */
export class RetryableError extends Error {
  override name = "RetryableError";
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface RetryOptions {
  signal: AbortSignal;
  /** As in "Cannot fetch metadata". */
  failure: string;
  /** Between 0 and 1. */
  random?: () => number;
}

const firstDelayMs = 100;
const maxDelayMs = 2000;

/**
 * Repeats what throws RetryableError, with full jitter, until the signal ends it: BootstrapError `server-unreachable`
 * then names the first error and the last. Anything else passes through at once.
 */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, failure, random = Math.random } = options;
  let first: string | undefined;
  let last = "not tried yet";
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      // What ended with the signal says less than what came before it.
      if (signal.aborted && first !== undefined) break;
      last = error.message;
      first ??= last;
      const delayMs = error.retryAfterMs ?? Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(tries, 10)) * random();
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }
  const also = first === undefined || first === last ? "" : ` (first: ${first})`;
  throw new BootstrapError("server-unreachable", `${failure}: ${last}${also}, and time is up`);
}
