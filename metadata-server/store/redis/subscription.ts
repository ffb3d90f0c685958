import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../logger.ts";
import type { RedisConnection } from "./connection.ts";

/** Time after which a silently dead connection is noticed. */
const heartbeatMs = 5000;

export interface Subscription {
  /** Throws while changes cannot be received. */
  check(): void;
  close(): void;
}

/**
 * Subscribes to the commits of every server. Messages sent while the connection is lost are lost too, so `onMissed` is
 * called after each new connection: every listener must read again.
 */
export async function subscribe(
  { redis, run }: RedisConnection,
  options: { channel: string; onTouched: (clusterIds: string[]) => void; onMissed: () => void; logger: Logger },
): Promise<Subscription> {
  const { channel, onTouched, onMissed, logger } = options;
  const closing = new AbortController();
  let subscribed = false;

  async function listen(): Promise<void> {
    await redis.subscribe(channel);
    subscribed = true;
    onMissed();
  }

  redis.on("message", (_channel, message) => onTouched(JSON.parse(message) as string[]));
  redis.on("close", () => {
    subscribed = false;
  });
  await run(listen);
  redis.on("ready", () => {
    // If this fails, the connection is closed again, and the next one runs this handler.
    listen().catch((error: unknown) => {
      if (!closing.signal.aborted) logger.warn("Cannot subscribe to store changes; retrying", { error: String(error) });
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
      if (!subscribed) throw new Error("Cannot receive changes of other servers: the subscription is lost");
    },
    close: () => closing.abort(),
  };
}
