import type { Logger } from "../logger.ts";

/** Work that outlives the request that started it: launches and deletions, one of each kind for a cluster. */
export interface Background {
  /** Does nothing where work of that name is under way. */
  start(name: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Aborts that work and waits for its end. */
  stop(name: string): Promise<void>;
  /** Resolves when nothing is under way. */
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
    logger.error("Background work failed", {
      work: name,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

/** At most `limit` at once; starts no more when the signal aborts. All are done before it rejects with the first failure. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  { limit, signal }: { limit: number; signal: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const failures: unknown[] = [];
  const lane = async () => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}
