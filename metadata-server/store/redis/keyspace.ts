import type { Redis } from "ioredis";
import type { RedisTarget } from "./redis-url.ts";

/** Number of the layout of the keys. Landed layouts never change: a new one gets a new number. */
const layout = "1";
/** Keys of which every store with any data has some. */
const everyUse = ["clusters", "names", "tokens", "idempotency", "audit", "machines", "documents"];

/**
 * Claims the keys under the prefix for this server: new ones, or those of an earlier or another server of the same
 * kind. An ephemeral server erases its keys when it stops, so it refuses keys that must be kept.
 */
export async function claimKeyspace(
  redis: Redis,
  { target, ephemeral }: { target: RedisTarget; ephemeral: boolean },
): Promise<void> {
  const { name, prefix } = target;
  const refuse = (why: string) => new Error(`Cannot open store ${name}: the keys with prefix ${prefix} ${why}`);
  const wanted = ephemeral ? `${layout} ephemeral` : layout;
  const schema = `${prefix}schema`;
  if ((await redis.get(schema)) === null) {
    if ((await redis.exists(everyUse.map((key) => prefix + key))) > 0)
      throw refuse("are another program's; use another prefix");
    await redis.setnx(schema, wanted);
  }
  const found = (await redis.get(schema)) ?? "";
  if (found === wanted) return;
  const [foundLayout, kind] = found.split(" ");
  if (foundLayout !== layout)
    throw refuse(`have layout ${foundLayout}, this release needs ${layout}; use the release that wrote them`);
  throw refuse(
    kind === "ephemeral"
      ? "belong to an ephemeral server, which erases them; use another prefix"
      : "hold the data of a server that is not ephemeral; use another prefix",
  );
}

/** Removes every key with the prefix; the key that says whose they are goes last. */
export async function eraseKeyspace(redis: Redis, prefix: string): Promise<void> {
  const schema = `${prefix}schema`;
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
    const data = (keys as string[]).filter((key) => key !== schema);
    if (data.length > 0) await redis.unlink(data);
  }
  await redis.unlink(schema);
}
