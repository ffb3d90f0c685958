import type { Changes } from "../store.ts";
import { type CommitAnswer, toRefusal } from "./commit-plan.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { WriteReplicated } from "./replication.ts";
import { evaluate, type Script } from "./scripts.ts";

/**
 * Creates a function that commits a plan. If the connection is lost before the answer, the same plan is sent again:
 * its id shows Redis whether it was done, so that it is done once.
 */
export function createCommit(options: {
  writeReplicated: WriteReplicated;
  script: Script;
  target: RedisTarget;
  /** Writes out and drops audit entries up to a sequence. */
  dropAudit: (sequence: number) => Promise<void>;
}) {
  const { writeReplicated, dropAudit, script, target } = options;

  return async (changes: Changes, planned: Promise<readonly (string | Buffer)[]>): Promise<void> => {
    const plan = await planned;
    const dueSequence = await writeReplicated(async (redis) => {
      const answer = (await evaluate(redis, script, [target.prefix, ...plan])) as CommitAnswer;
      const [outcome, , due = 0] = answer;
      if (outcome !== "done") throw toRefusal(answer, changes);
      return due;
    });
    if (dueSequence > 0) await dropAudit(dueSequence);
  };
}
