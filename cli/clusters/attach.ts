import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import type { Member } from "#api/member.ts";
import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";
import { formatDuration } from "../display/duration.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";

export interface AttachFlags {
  workers: number;
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

const pollMs = 500;

const isJoining = ({ state }: Member) => state === "pending" || state === "launched" || state === "bootstrapping";

/** Attaches workers, and waits until each is Ready or has failed. Prints each change on stderr. */
export async function attachMembers(command: ClusterCommand<AttachFlags>, idOrName: string): Promise<ExitCode> {
  const { client, context, flags } = command;
  const id = await client.resolve(idOrName);
  const attached = await client.attach(id, { workers: flags.workers }, { idempotencyKey: flags.idempotencyKey });
  const names = attached.members.filter(isJoining).map(({ name }) => name);
  for (const name of names) context.stderr.write(`${name} is attached\n`);
  // The operator launches external machines after this command.
  const isWaiting = flags.wait && attached.provider !== "external";
  const cluster = isWaiting ? await waitForMembers(command, { attached, names }) : attached;
  if (flags.json) writeJson(context, cluster);
  if (attached.provider === "external")
    context.stderr.write(`User-data for each: sprout clusters user-data ${cluster.name} MEMBER\n`);
  const failed = cluster.members.filter(({ name, state }) => names.includes(name) && state === "failed");
  return failed.length > 0 ? exitCodes.failed : exitCodes.ok;
}

async function waitForMembers(
  { client, context, flags }: ClusterCommand<AttachFlags>,
  { attached, names }: { attached: Cluster; names: readonly string[] },
): Promise<Cluster> {
  const startedAt = context.now();
  const printed = new Map<string, Member["state"]>();
  for (;;) {
    const cluster = await client.get(attached.id);
    const members = cluster.members.filter(({ name }) => names.includes(name));
    for (const { name, state, failure } of members) {
      if (printed.get(name) === state) continue;
      printed.set(name, state);
      const reason = failure === null ? "" : `: ${failure.error}`;
      context.stderr.write(`${name} is ${state} after ${formatDuration(context.now() - startedAt)}${reason}\n`);
    }
    const joining = members.filter(isJoining);
    if (joining.length === 0) return cluster;
    if (cluster.state !== "ready")
      throw new CliError(exitCodes.failed, `Cannot attach workers: cluster ${cluster.name} is ${cluster.state}`);
    if (context.now() - startedAt >= flags.timeout * 1000)
      throw new CliError(
        exitCodes.timeout,
        `Not Ready after ${flags.timeout} seconds: ${joining.map(({ name, phase }) => `${name} (${phase ?? "no call yet"})`).join(", ")}`,
      );
    await delay(pollMs, undefined, { signal: context.signal });
  }
}
