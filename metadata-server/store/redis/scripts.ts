import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Redis, ReplyError } from "ioredis";

export interface Script {
  lua: string;
  sha: string;
}

function loadScript(...parts: string[]): Script {
  const lua = parts.map((name) => readFileSync(join(import.meta.dirname, `${name}.lua`), "utf8")).join("");
  return { lua, sha: hash("sha1", lua) };
}

/** Loads the scripts. Each reads or writes atomically: Redis runs nothing else meanwhile. */
export const loadScripts = () => ({
  commit: loadScript("commit-check", "check-machines", "write-machines", "commit-write"),
  listClusters: loadScript("newest-first", "list-clusters"),
  listMachines: loadScript("newest-first", "list-machines"),
  crowdedMachines: loadScript("crowded-machines"),
  findByToken: loadScript("find-by-token"),
  findByMac: loadScript("find-by-mac"),
  takeLease: loadScript("take-lease"),
  releaseLease: loadScript("release-lease"),
});
export type Scripts = ReturnType<typeof loadScripts>;

/** Runs a script by its hash. Redis forgets scripts when it restarts; then the text is sent again. */
export async function evaluate(redis: Redis, { lua, sha }: Script, args: (string | Buffer)[]): Promise<unknown> {
  try {
    return await redis.evalsha(sha, 0, ...args);
  } catch (error) {
    if (!(error instanceof ReplyError) || !(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return redis.eval(lua, 0, ...args);
  }
}
