import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { repeat } from "./clusters/background.ts";
import type { Logger } from "./logger.ts";
import type { Store } from "./store/store.ts";

const intervalMs = 10_000;
/** Beyond this an operator should know. */
const remarkableMs = 1000;

export interface StoreClock extends Clock {
  /** How far this host's clock is ahead of the store's, in ms; negative if it is behind. */
  skewMs: () => number;
  /** Compares the clocks every ten seconds until the signal aborts. */
  follow: (signal: AbortSignal) => Promise<void>;
}

/**
 * Returns a clock that shows the store's time, so that servers whose own clocks differ agree about deadlines. It counts
 * by this host's clock in between, and while the store is away.
 */
export async function openStoreClock(
  store: Pick<Store, "time" | "isShared">,
  { host, logger }: { host: Clock; logger: Logger },
): Promise<StoreClock> {
  let skewMs = 0;

  async function compare(): Promise<void> {
    const askedAt = host.now();
    const time = await store.time();
    const before = skewMs;
    skewMs = Math.round((askedAt + host.now()) / 2 - time);
    if (Math.abs(skewMs) > remarkableMs && Math.abs(skewMs - before) > remarkableMs)
      logger.warn("This host's clock differs from the store's; set it (NTP)", { skewMs });
  }

  const onFailure = (error: unknown) =>
    logger.warn("Cannot compare this host's clock with the store's; retrying", { error: messageOf(error) });

  if (store.isShared) await compare();
  return {
    now: () => host.now() - skewMs,
    schedule: (delayMs, callback) => host.schedule(delayMs, callback),
    skewMs: () => skewMs,
    async follow(signal) {
      if (!store.isShared) return;
      await repeat(compare, { clock: host, intervalMs, signal, onFailure });
    },
  };
}
