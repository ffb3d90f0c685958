import type { MachineProvider, SurveyedMachine } from "../providers/provider.ts";
import type { MemberRecord } from "../store/records.ts";
import { pause } from "./clock.ts";
import { liveClusters } from "./deadlines.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { recordEnded } from "./record-ended.ts";
import { recordTrouble } from "./record-trouble.ts";

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
        deps.observer.surveyFailed(name);
        deps.logger.error("Machines could not be surveyed; trying again", { provider: name, error: String(error) });
      }
      await pause(deps.clock, { delayMs: surveyIntervalMs, signal });
    }
  });
  await Promise.all(watched);
}

/**
 * Machines that nobody owns are ended; those that ended by themselves, or are in trouble, are told of. Nothing is launched
 * for a cluster that is not in the store, so what the store does not have is nobody's. Throws when all have been looked at.
 */
export async function surveyMachines(deps: ClusterDependencies, provider: MachineProvider): Promise<void> {
  const machines = (await provider.survey?.()) ?? [];
  if (machines.length === 0) return;
  const members = new Map<string, MemberRecord>();
  for await (const { id } of liveClusters(deps.store))
    for (const member of await deps.store.members(id)) members.set(`${id}/${member.allocation}`, member);
  const failures: Error[] = [];
  for (const machine of machines)
    try {
      await lookAfter(deps, { provider, machine, owner: members.get(`${machine.clusterId}/${machine.allocation}`) });
    } catch (error) {
      failures.push(error as Error);
    }
  const [cause] = failures;
  if (cause !== undefined)
    throw new Error(`${failures.length} of ${machines.length} machines could not be looked after: ${cause.message}`, {
      cause,
    });
}

async function lookAfter(
  deps: ClusterDependencies,
  {
    provider,
    machine,
    owner,
  }: { provider: MachineProvider; machine: SurveyedMachine; owner: MemberRecord | undefined },
): Promise<void> {
  const isOwn = owner?.machine?.id === machine.id;
  if (machine.ended !== undefined) {
    if (isOwn && owner.endedAt === undefined) await recordEnded(deps, { member: owner, machine });
  } else if (owner === undefined || isDouble(owner, machine)) await endStray(deps, { provider, machine });
  else if (isOwn && owner.trouble !== machine.trouble) await recordTrouble(deps, { member: owner, machine });
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
