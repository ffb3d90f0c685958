import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../logger.ts";
import type { RedisConnection } from "./connection.ts";

/** A connection that died without a word is noticed after so long. */
const heartbeatMs = 5000;

export interface Subscription {
  /** Throws while nothing would be heard. */
  check(): void;
  close(): void;
}

/**
 * Hears of the commits of every server. What was said while the connection was lost is lost too, so that after each
 * new connection `onMissed` is called: everybody looks again.
 */
export async function subscribe(
  { redis, run }: RedisConnection,
  options: { channel: string; onTouched: (clusterIds: string[]) => void; onMissed: () => void; logger: Logger },
): Promise<Subscription> {
  const { channel, onTouched, onMissed, logger } = options;
  const closing = new AbortController();
  let hears = false;

  async function listen(): Promise<void> {
    await redis.subscribe(channel);
    hears = true;
    onMissed();
  }

  redis.on("message", (_channel, message) => onTouched(JSON.parse(message) as string[]));
  redis.on("close", () => {
    hears = false;
  });
  await run(listen);
  redis.on("ready", () => {
    // Where this fails the connection is lost again, and the next one comes here.
    listen().catch((error: unknown) => {
      if (!closing.signal.aborted) logger.warn("Store changes cannot be heard; trying again", { error: String(error) });
      if (redis.status === "ready") redis.disconnect(true);
    });
  });
  void beat();

  async function beat(): Promise<void> {
    while (!closing.signal.aborted) {
      await delay(heartbeatMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      if (redis.status === "ready") await redis.ping().catch(() => undefined);
    }
  }

  return {
    check() {
      if (!hears) throw new Error("changes of other servers are not heard");
    },
    close: () => closing.abort(),
  };
}
