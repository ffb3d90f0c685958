import type { Member } from "#api/member.ts";
import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";
import { exitCodes, type ExitCode } from "../exit-code.ts";
import type { NodePoolSize } from "../flags.ts";
import { isJoining } from "./attach.ts";
import { isLeaving } from "./detach.ts";
import { followMembers } from "./follow-members.ts";

export interface ScaleFlags {
  drainTimeout: number;
  force?: boolean;
  wait: boolean;
  timeout: number;
}

const isChanging = (member: Member) => isJoining(member) || isLeaving(member);

/** Sets the sizes of node pools, and waits until each has that many workers, or one of them fails or stays. */
export async function scaleNodePools(
  command: ClusterCommand<ScaleFlags>,
  idOrName: string,
  sizes: readonly NodePoolSize[],
): Promise<ExitCode> {
  const { client, context, flags } = command;
  const id = await client.resolve(idOrName);
  const drain = { drainTimeoutSeconds: flags.drainTimeout, force: flags.force ?? false };
  for (const { name, workers } of sizes) await client.scale(id, name, { workers, ...drain });
  let cluster = await client.get(id);
  const ofPools = ({ nodePool }: Member) => sizes.some(({ name }) => name === nodePool);
  const changing = cluster.members.filter((member) => ofPools(member) && isChanging(member));
  const names = changing.map(({ name }) => name);
  // The operator launches external machines after this command.
  const isWaiting = flags.wait && cluster.provider !== "external";
  if (isWaiting) cluster = await followMembers(command, { id, names, isChanging, goal: "scale node pools" });
  if (flags.json) writeJson(context, cluster);
  if (cluster.provider === "external" && changing.some(isJoining))
    context.stderr.write(`User-data for each: sprout clusters user-data ${cluster.name} MEMBER\n`);
  const left = cluster.members.filter(({ name }) => names.includes(name));
  const hasFailed = left.some(({ state, detachFailure }) => state === "failed" || detachFailure !== null);
  return isWaiting && hasFailed ? exitCodes.failed : exitCodes.ok;
}
