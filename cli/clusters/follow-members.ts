import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import type { Member } from "#api/member.ts";
import type { ClusterCommand } from "../action.ts";
import { formatDuration } from "../display/duration.ts";
import { CliError, exitCodes } from "../exit-code.ts";

interface FollowOptions {
  id: string;
  /** Full names of the members to follow. */
  names: readonly string[];
  /** Whether something is still to happen to a member. */
  isChanging: (member: Member) => boolean;
  /** As in "Cannot attach workers". */
  goal: string;
}

const pollMs = 500;

/**
 * Reads the cluster until none of the members is changing. Prints each change on stderr. Throws CliError when the
 * cluster is no longer ready, or with exit code `timeout`.
 */
export async function followMembers(
  { client, context, flags }: ClusterCommand<{ timeout: number }>,
  { id, names, isChanging, goal }: FollowOptions,
): Promise<Cluster> {
  const startedAt = context.now();
  const printed = new Map<string, string>();
  const print = (name: string, state: string, reason = "") => {
    if (printed.get(name) === state) return;
    printed.set(name, state);
    context.stderr.write(`${name} is ${state} after ${formatDuration(context.now() - startedAt)}${reason}\n`);
  };
  for (;;) {
    const cluster = await client.get(id);
    const members = cluster.members.filter(({ name }) => names.includes(name));
    for (const { name, state, failure, detachFailure } of members) {
      const reason = (state === "failed" ? failure : detachFailure)?.error;
      print(name, state, reason && `: ${reason}`);
    }
    for (const name of names) if (!members.some((member) => member.name === name)) print(name, "detached");
    const changing = members.filter(isChanging);
    if (changing.length === 0) return cluster;
    if (cluster.state !== "ready")
      throw new CliError(exitCodes.failed, `Cannot ${goal}: cluster ${cluster.name} is ${cluster.state}`);
    if (context.now() - startedAt >= flags.timeout * 1000)
      throw new CliError(
        exitCodes.timeout,
        `Not done after ${flags.timeout} seconds: ${changing.map(({ name, state, phase }) => `${name} is ${state} (${phase ?? "no call yet"})`).join(", ")}`,
      );
    await delay(pollMs, undefined, { signal: context.signal });
  }
}
