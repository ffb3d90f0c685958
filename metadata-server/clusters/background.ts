import pLimit from "p-limit";
import { type Clock, pause } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "../logger.ts";

/** Work that outlives the request that started it, such as launches and deletions. */
export interface Background {
  /** Does nothing if work of that name is running. */
  start(name: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Aborts that work and waits for its end. */
  stop(name: string): Promise<void>;
  /** Aborts all work whose name begins so, and waits for its end. */
  stopAll(prefix: string): Promise<void>;
  /** Resolves when no work is running. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export function createBackground(logger: Logger): Background {
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let closed = false;
  const background: Background = {
    start(name, work) {
      if (closed || running.has(name)) return;
      const controller = new AbortController();
      const done = run(() => work(controller.signal), { name, logger }).finally(() => running.delete(name));
      running.set(name, { controller, done });
    },
    async stop(name) {
      const work = running.get(name);
      work?.controller.abort();
      await work?.done;
    },
    async stopAll(prefix) {
      const names = [...running.keys()].filter((name) => name.startsWith(prefix));
      await Promise.all(names.map((name) => background.stop(name)));
    },
    async idle() {
      while (running.size > 0) await Promise.all(Array.from(running.values(), ({ done }) => done));
    },
    async close() {
      closed = true;
      for (const { controller } of running.values()) controller.abort();
      await background.idle();
    },
  };
  return background;
}

async function run(work: () => Promise<void>, { name, logger }: { name: string; logger: Logger }): Promise<void> {
  try {
    await work();
  } catch (error) {
    logger.error("Background work failed", { work: name, error: messageOf(error) });
  }
}

interface Repetition {
  clock: Clock;
  intervalMs: number;
  signal: AbortSignal;
  /** Called with each failure. The work is repeated anyway. */
  onFailure: (error: unknown) => void;
}

/** Does the work now and `intervalMs` after each end, until the signal aborts. */
export async function repeat(work: () => Promise<void>, repetition: Repetition): Promise<void> {
  const { clock, intervalMs, signal, onFailure } = repetition;
  while (!signal.aborted) {
    await work().catch(onFailure);
    await pause(clock, { delayMs: intervalMs, signal });
  }
}

/**
 * Works on at most `limit` items at once, on none after the signal aborts. Rejects with the first failure, after all.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  { limit, signal }: { limit: number; signal: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = pLimit(limit);
  const outcomes = await Promise.allSettled(
    items.map((item) => queue(() => (signal.aborted ? undefined : work(item)))),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
