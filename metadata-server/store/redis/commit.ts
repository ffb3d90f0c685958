import { type Changes, StoreUnavailable } from "../store.ts";
import { type CommitAnswer, toRefusal } from "./commit-plan.ts";
import type { RedisConnection } from "./connection.ts";
import type { RedisTarget } from "./redis-url.ts";
import { evaluate, type Script } from "./scripts.ts";

/**
 * Creates a function that commits a plan. If the connection is lost before the answer, the same plan is sent again:
 * its id shows Redis whether it was done, so that it is done once.
 */
export function createCommit(options: {
  writer: RedisConnection;
  script: Script;
  target: RedisTarget;
  /** Replicas that must have a commit before it is acknowledged. */
  replicas: number;
  timeoutMs: number;
  /** Writes out and drops audit entries up to a sequence. */
  dropAudit: (sequence: number) => Promise<void>;
}) {
  const { writer, dropAudit, script, target, replicas, timeoutMs } = options;

  async function untilReplicated(): Promise<void> {
    // It waits half the time, so that the answer comes before the connection is given up.
    const acknowledged = await writer.run((redis) => redis.wait(replicas, Math.floor(timeoutMs / 2)));
    if (acknowledged < replicas)
      throw new StoreUnavailable(
        `Cannot write to store ${target.name}: ${acknowledged} of ${replicas} replicas have the commit, and a failover now would lose it; check the replicas`,
      );
  }

  return async (changes: Changes, planned: Promise<readonly (string | Buffer)[]>): Promise<void> => {
    const plan = await planned;
    const answer = (await writer.run((redis) => evaluate(redis, script, [target.prefix, ...plan]))) as CommitAnswer;
    const [outcome, , dueSequence = 0] = answer;
    if (outcome !== "done") throw toRefusal(answer, changes);
    if (dueSequence > 0) await dropAudit(dueSequence);
    if (replicas > 0) await untilReplicated();
  };
}
