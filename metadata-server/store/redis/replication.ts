import type { Redis } from "ioredis";
import { StoreUnavailable } from "../store.ts";
import { ConnectionChanged, type RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";

/** Sends a write that can be repeated; resolves once replicas have it. */
export type WriteReplicated = <T>(write: (redis: Redis) => Promise<T>) => Promise<T>;

/**
 * Creates a function that writes, and waits for replicas on the same connection. If that was lost in between, another
 * server may be the master by now, so the write is sent again: the new one may not have it.
 */
export function createWriteReplicated(options: {
  writer: RedisConnection;
  target: RedisTarget;
  /** Replicas that must have a write before it is acknowledged. */
  replicas: number;
  timeoutMs: number;
}): WriteReplicated {
  const { writer, target, replicas, timeoutMs } = options;
  let sent: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  /** Covers every write that was answered before. A WAIT holds its connection, so writes share one. */
  function wait(redis: Redis): Promise<number> {
    next ??= (sent ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        next = undefined;
        // It waits half the time, so that the answer comes before the connection is given up.
        sent = redis.wait(replicas, Math.floor(timeoutMs / 2));
        return sent;
      });
    return next;
  }

  return (write) =>
    writer.run(async (redis) => {
      const result = await write(redis);
      if (replicas === 0) return result;
      const generation = writer.generation();
      const acknowledged = await wait(redis);
      if (writer.generation() !== generation) throw new ConnectionChanged();
      if (acknowledged < replicas)
        throw new StoreUnavailable(
          `Cannot write to store ${target.name}: ${acknowledged} of ${replicas} replicas have the commit, and a failover now would lose it; check the replicas`,
        );
      return result;
    });
}
