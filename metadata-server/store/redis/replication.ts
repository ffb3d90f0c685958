import { StoreUnavailable } from "../store.ts";
import type { RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";

/** Creates a function that waits until replicas have what the writer wrote before. */
export function createUntilReplicated(options: {
  writer: RedisConnection;
  target: RedisTarget;
  /** Replicas that must have a commit before it is acknowledged. */
  replicas: number;
  timeoutMs: number;
}): () => Promise<void> {
  const { writer, target, replicas, timeoutMs } = options;
  return async () => {
    if (replicas === 0) return;
    // It waits half the time, so that the answer comes before the connection is given up.
    const acknowledged = await writer.run((redis) => redis.wait(replicas, Math.floor(timeoutMs / 2)));
    if (acknowledged < replicas)
      throw new StoreUnavailable(
        `Cannot write to store ${target.name}: ${acknowledged} of ${replicas} replicas have the commit, and a failover now would lose it; check the replicas`,
      );
  };
}
