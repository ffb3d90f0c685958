import type { Member } from "#api/member.ts";
import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import { followMembers } from "./follow-members.ts";

export interface AttachFlags {
  workers?: number;
  controlPlanes?: number;
  nodePool?: string;
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

export const isJoining = ({ state }: Member) =>
  state === "pending" || state === "launched" || state === "bootstrapping";

/** Attaches nodes, and waits until each is Ready or has failed. Prints each change on stderr. */
export async function attachMembers(command: ClusterCommand<AttachFlags>, idOrName: string): Promise<ExitCode> {
  const { client, context, flags } = command;
  const { workers, controlPlanes, nodePool } = flags;
  if (workers === undefined && controlPlanes === undefined)
    throw new CliError(exitCodes.usage, "Cannot attach nodes: Expected --workers, --control-planes or both");
  const id = await client.resolve(idOrName);
  const attached = await client.attach(
    id,
    { workers, nodePool, controlPlanes },
    { idempotencyKey: flags.idempotencyKey },
  );
  const names = attached.members.filter(isJoining).map(({ name }) => name);
  for (const name of names) context.stderr.write(`${name} is attached\n`);
  // The operator launches external machines after this command.
  const isWaiting = flags.wait && attached.provider !== "external";
  const cluster = isWaiting
    ? await followMembers(command, { id, names, isChanging: isJoining, goal: "attach nodes" })
    : attached;
  if (flags.json) writeJson(context, cluster);
  if (attached.provider === "external")
    context.stderr.write(`User-data for each: sprout clusters user-data ${cluster.name} MEMBER\n`);
  const failed = cluster.members.filter(({ name, state }) => names.includes(name) && state === "failed");
  return failed.length > 0 ? exitCodes.failed : exitCodes.ok;
}
