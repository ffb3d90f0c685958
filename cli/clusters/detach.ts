import type { Cluster } from "#api/cluster.ts";
import type { Member } from "#api/member.ts";
import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import { followMembers } from "./follow-members.ts";

export interface DetachFlags {
  drainTimeout: number;
  force?: boolean;
  wait: boolean;
  timeout: number;
}

export const isLeaving = ({ state }: Member) => state === "detaching";

/** Detaches members, all at once, and waits until each is gone, or stays because its node cannot be drained. */
export async function detachMembers(
  command: ClusterCommand<DetachFlags>,
  idOrName: string,
  members: readonly string[],
): Promise<ExitCode> {
  const { client, context, flags } = command;
  const id = await client.resolve(idOrName);
  const before = await client.get(id);
  const names = members.map((member) => fullName(before, member));
  const drain = { drainTimeoutSeconds: flags.drainTimeout, force: flags.force ?? false };
  let cluster = before;
  for (const name of names) cluster = await client.detach(id, name, drain);
  if (flags.wait) {
    cluster = await followMembers(command, { id, names, isChanging: isLeaving, goal: "detach members" });
  }
  if (flags.json) writeJson(context, cluster);
  const stayed = flags.wait && cluster.members.some(({ name }) => names.includes(name));
  return stayed ? exitCodes.failed : exitCodes.ok;
}

function fullName({ name: clusterName, members }: Cluster, wanted: string): string {
  const member = members.find(({ name }) => name === wanted || name.startsWith(`${wanted}.`));
  if (member !== undefined) return member.name;
  throw new CliError(exitCodes.notFound, `Cluster ${clusterName} has no member "${wanted}"`);
}
