import { type Changes, StoreUnavailable } from "../store.ts";
import { type CommitAnswer, toRefusal } from "./commit-plan.ts";
import type { RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";
import { evaluate, type Script } from "./scripts.ts";

/**
 * Commits one plan. Where the connection is lost before the answer, the same plan is sent again: its id tells Redis
 * whether it was done, so that it is done once.
 */
export function createCommit(options: {
  writer: RedisConnection;
  script: Script;
  target: RedisTarget;
  /** That must have the commit before it is acknowledged. */
  replicas: number;
  timeoutMs: number;
}) {
  const { writer, script, target, replicas, timeoutMs } = options;

  async function untilReplicated(): Promise<void> {
    // Half the time, so that the answer comes before the connection is given up.
    const acknowledged = await writer.run((redis) => redis.wait(replicas, Math.floor(timeoutMs / 2)));
    if (acknowledged < replicas)
      throw new StoreUnavailable(
        `Cannot write to store ${target.name}: ${acknowledged} of ${replicas} replicas have what was written; a failover now would lose it. Check the replicas`,
      );
  }

  return async (changes: Changes, plan: readonly (string | Buffer)[]): Promise<void> => {
    const answer = (await writer.run((redis) => evaluate(redis, script, [target.prefix, ...plan]))) as CommitAnswer;
    if (answer[0] !== "done") throw toRefusal(answer, changes);
    if (replicas > 0) await untilReplicated();
  };
}
