import type { MachineProvider, SurveyedMachine } from "../providers/provider.ts";
import type { MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { pause } from "./clock.ts";
import { liveClusters } from "./deadlines.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failCluster, failMember, isComingUp, memberEvent, toTime } from "./lifecycle.ts";

/** Looks after the machines of every provider where they can end, or be left over, without this server's doing. */
export async function watchMachines(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const watched = [...deps.providers.values()].map(async (provider) => {
    const { surveyIntervalMs, name } = provider;
    if (surveyIntervalMs === undefined) return;
    while (!signal.aborted) {
      // At the start too: what a crash cut off is finished here.
      try {
        await surveyMachines(deps, provider);
      } catch (error) {
        deps.logger.error("Machines could not be surveyed; trying again", { provider: name, error: String(error) });
      }
      await pause(deps.clock, { delayMs: surveyIntervalMs, signal });
    }
  });
  await Promise.all(watched);
}

/**
 * Machines that nobody owns are ended; those that ended by themselves are told of, and fail a cluster that is still
 * coming up. Nothing is launched for a cluster that is not in the store, so what the store does not have is nobody's.
 */
export async function surveyMachines(deps: ClusterDependencies, provider: MachineProvider): Promise<void> {
  const machines = (await provider.survey?.()) ?? [];
  if (machines.length === 0) return;
  const members = new Map<string, MemberRecord>();
  for await (const { id } of liveClusters(deps.store))
    for (const member of await deps.store.members(id)) members.set(`${id}/${member.allocation}`, member);
  for (const machine of machines) {
    const owner = members.get(`${machine.clusterId}/${machine.allocation}`);
    if (machine.ended !== undefined) {
      if (owner?.machine?.id === machine.id) await recordEnded(deps, { member: owner, machine });
    } else if (owner === undefined || isDouble(owner, machine)) await endStray(deps, { provider, machine });
  }
}

/** While a launch is under way it is not known which one is the member's. */
const isDouble = ({ machine }: MemberRecord, { id }: SurveyedMachine) => machine !== undefined && machine.id !== id;

async function endStray(
  { logger }: ClusterDependencies,
  { provider, machine }: { provider: MachineProvider; machine: SurveyedMachine },
): Promise<void> {
  const { clusterId, allocation, id, since } = machine;
  logger.warn("Ending a machine that no cluster owns", { clusterId, allocation, id, since, provider: provider.name });
  await provider.terminate({ clusterId, allocation, id });
}

async function recordEnded(
  { store, clock, logger }: ClusterDependencies,
  { member: { clusterId, name }, machine }: { member: MemberRecord; machine: SurveyedMachine },
): Promise<void> {
  const message = `Machine ${machine.id} of ${name} has ended: ${machine.ended}`;
  await decide(store, async () => {
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    if (cluster === undefined || member === undefined || member.state === "failed") return { result: undefined };
    if (cluster.state === "deleting" || cluster.state === "deleted") return { result: undefined };
    logger.warn("A machine has ended", { clusterId, member: name, machine: machine.id, reason: machine.ended });
    const at = clock.now();
    const failed = failMember(member, { phase: member.phase ?? "launch", error: message });
    const alert = { type: "alert" as const, at: toTime(at), member: name, code: "machine-ended", message };
    const events: NonNullable<Changes["events"]> = [{ clusterId, event: alert }, memberEvent(failed, { at, message })];
    if (!isComingUp(cluster)) return { changes: { members: [failed], events }, result: undefined };
    const over = failCluster(cluster, { failure: { message }, at });
    return { changes: { ...over, members: [failed], events: [...events, ...over.events] }, result: undefined };
  });
}
