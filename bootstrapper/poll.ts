import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError, type FailureCode } from "./errors.ts";

export interface PollOptions {
  signal: AbortSignal;
  intervalMs: number;
  /** What the waiting is for, as in "Cannot reach API server". */
  failure: { code: FailureCode; message: string };
}

/**
 * Asks again until `ask` returns something. An ask that throws an Error is asked again, and the last one is named when
 * the signal ends the wait; a BootstrapError ends it at once.
 */
export async function poll<T>(ask: () => Promise<T | undefined>, options: PollOptions): Promise<T> {
  const { signal, intervalMs, failure } = options;
  let last = "no answer yet";
  while (!signal.aborted) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof BootstrapError) throw error;
      if (!signal.aborted) last = error instanceof Error ? error.message : String(error);
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  throw new BootstrapError(failure.code, `${failure.message}: ${last}, and time is up`);
}
