import type { Redis } from "ioredis";
import { coerce, lt } from "semver";
import type { RedisTarget } from "./redis-url.ts";

/** Where every acknowledged commit is. */
export interface Guarantees {
  /** A commit is on the server's disk before it is acknowledged. */
  onDisk: boolean;
  /** Replicas that have a commit before it is acknowledged. */
  replicas: number;
}

/** Settings as Redis reports them: `INFO` and, if permitted, `CONFIG GET`. */
export type Settings = Readonly<Record<string, string>>;

export async function readSettings(redis: Redis): Promise<Settings> {
  const info = await redis.info();
  const reported = info.split("\r\n").flatMap((line) => {
    const at = line.indexOf(":");
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  // Hosted Redis often forbids CONFIG; settings that are only there then count as unknown, not as safe.
  const wanted = ["appendonly", "appendfsync", "maxmemory-policy", "min-replicas-to-write"];
  const config = await redis.config("GET", ...(wanted as [string])).catch(() => []);
  return { ...Object.fromEntries(reported), ...toPairs(config as string[]) };
}

function toPairs(flat: readonly string[]): Settings {
  const pairs = flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""] as const] : []));
  return Object.fromEntries(pairs);
}

/** Returns this Redis's guarantees. Throws if it could lose what it acknowledged, or drop what it holds. */
export function checkSettings(settings: Settings, target: RedisTarget): Guarantees {
  const refuse = (why: string) => new Error(`Cannot open store ${target.name}: ${why}`);
  if (lt(coerce(settings["redis_version"]) ?? "0.0.0", "6.2.0"))
    throw refuse(`it is version ${settings["redis_version"] ?? "unknown"}; Sprout needs Redis 6.2 or newer`);
  if (settings["redis_mode"] === "cluster")
    throw refuse("it is a Redis Cluster, where one commit cannot span all keys; use one Redis with replicas");
  if (settings["role"] !== "master") throw refuse("it is a replica; use the address of the master");
  const policy = settings["maxmemory-policy"] ?? settings["maxmemory_policy"] ?? "unknown";
  if (policy !== "noeviction")
    throw refuse(`its maxmemory-policy is ${policy}, which drops clusters; set it to noeviction`);
  const wantedOfServer = Number(settings["min-replicas-to-write"] ?? 0);
  const connected = Number(settings["connected_slaves"] ?? 0);
  const replicas = target.replicas ?? Math.max(wantedOfServer, Math.min(connected, 1));
  const onDisk = settings["appendonly"] === "yes" && settings["appendfsync"] === "always";
  if (!onDisk && replicas === 0 && target.durability === "strict")
    throw refuse(
      "it may lose what it acknowledged; set appendonly yes and appendfsync always, or wait for replicas (?replicas=1), or accept the loss (?durability=relaxed)",
    );
  return { onDisk, replicas };
}
