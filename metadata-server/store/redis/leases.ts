import type { Lease, Store } from "../store.ts";
import type { RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { WriteReplicated } from "./replication.ts";
import { evaluate, type Scripts } from "./scripts.ts";

/** What Redis keeps of a lease. */
export const toHeld = ({ token, holder }: Lease): string => `${token} ${holder}`;

/** Leases are keys that expire. One is granted only once replicas have it, so that a failover forgets none. */
export function createLeases(options: {
  writer: RedisConnection;
  scripts: Pick<Scripts, "takeLease" | "releaseLease">;
  target: RedisTarget;
  writeReplicated: WriteReplicated;
}): Pick<Store, "takeLease" | "releaseLease"> {
  const { writer, scripts, target, writeReplicated } = options;
  return {
    async takeLease({ name, holder, ttlMs }) {
      const args = [target.prefix, name, holder, String(ttlMs)];
      const token = await writeReplicated((redis) => evaluate(redis, scripts.takeLease, args));
      return typeof token === "number" ? token : undefined;
    },
    async releaseLease(lease) {
      await writer.run((redis) => evaluate(redis, scripts.releaseLease, [target.prefix, lease.name, toHeld(lease)]));
    },
  };
}
