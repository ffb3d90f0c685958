import { messageOf } from "#lib/errors.ts";
import type { MachineProvider, SurveyedMachine } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { repeat } from "./background.ts";
import { changeMember } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { alertEvent, clusterEvent, failCluster, failMember, isComingUp, isDeleted, memberEvent } from "./lifecycle.ts";
import { liveClusters } from "./queries.ts";
import { isTerminated, replaceTerminated } from "./replace-members.ts";

/** Surveys every provider whose machines can terminate, or be left over, without this server: one server each. */
export async function watchMachines(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const watched = [...deps.providers.values()].map(async (provider) => {
    const { surveyIntervalMs, name, place = "" } = provider;
    if (surveyIntervalMs === undefined) return;
    const onFailure = (error: unknown) => {
      deps.observer.surveyFailed(name);
      deps.logger.error("Cannot survey machines; retrying", { provider: name, error: messageOf(error) });
    };
    await deps.leases.keep({ name: `survey ${name} ${place}`, signal }, async (leased) => {
      const own = { ...deps, store: leased.store };
      const repetition = { clock: deps.clock, intervalMs: surveyIntervalMs, signal: leased.signal, onFailure };
      // Starts with a survey: it finishes what a crash interrupted.
      await repeat(async () => {
        await surveyMachines(own, provider);
        await replaceTerminated(own, provider);
      }, repetition);
    });
  });
  await Promise.all(watched);
}

/**
 * Terminates strays, and reports machines that terminated on their own or have a problem. A cluster is stored before
 * its machines are launched, so a machine that the store does not know is a stray. Throws after it has checked every
 * machine.
 */
export async function surveyMachines(deps: ClusterDependencies, provider: MachineProvider): Promise<void> {
  const machines = (await provider.survey?.()) ?? [];
  if (machines.length === 0) return;
  const surveyed = new Set(machines.map(({ clusterId }) => clusterId));
  const members = new Map<string, MemberRecord>();
  for await (const { id } of liveClusters(deps.store))
    if (surveyed.has(id))
      for (const member of await deps.store.members(id)) members.set(`${id}/${member.allocation}`, member);
  const failures: Error[] = [];
  for (const machine of machines)
    try {
      await checkMachine(deps, { provider, machine, owner: members.get(`${machine.clusterId}/${machine.allocation}`) });
    } catch (error) {
      failures.push(error as Error);
    }
  const [cause] = failures;
  if (cause !== undefined)
    throw new Error(`Cannot check ${failures.length} of ${machines.length} machines: ${cause.message}`, { cause });
}

async function checkMachine(
  deps: ClusterDependencies,
  {
    provider,
    machine,
    owner,
  }: { provider: MachineProvider; machine: SurveyedMachine; owner: MemberRecord | undefined },
): Promise<void> {
  const isOwn = owner?.machine?.id === machine.id;
  if (machine.ended !== undefined) {
    if (isOwn && owner.endedAt === undefined) await recordEnded(deps, { owner, machine });
  } else if (owner === undefined || isDouble(owner, machine)) await terminateStray(deps, { provider, machine });
  else if (isOwn && owner.trouble !== machine.trouble) await recordTrouble(deps, { owner, machine });
}

/** During a launch it is not known yet which machine is the member's. */
const isDouble = ({ machine }: MemberRecord, { id }: SurveyedMachine) => machine !== undefined && machine.id !== id;

async function terminateStray(
  { logger }: ClusterDependencies,
  { provider, machine }: { provider: MachineProvider; machine: SurveyedMachine },
): Promise<void> {
  const { clusterId, allocation, id, since } = machine;
  logger.warn("Terminating a stray machine", { clusterId, allocation, id, since, provider: provider.name });
  await provider.terminate({ clusterId, allocation, id });
}

/** Records once that a machine terminated on its own. Its member fails, and so does a cluster that needs it. */
async function recordEnded(
  { store, clock, logger, observer }: ClusterDependencies,
  { owner, machine }: { owner: MemberRecord; machine: SurveyedMachine },
): Promise<void> {
  const { clusterId, name } = owner;
  const code = "machine-ended";
  const message = `Machine ${machine.id} of ${name} has terminated: ${machine.ended}`;
  const isNews = await changeMember(store, owner, async ({ cluster, member }) => {
    // One that is drained was terminated by Sprout.
    const isExpected = isDeleted(cluster) || member.detachment?.drainedAt !== undefined;
    if (isExpected || member.endedAt !== undefined) return undefined;
    const at = clock.now();
    const failed = failMember({ ...member, endedAt: at }, { phase: member.phase ?? "launch", error: message });
    const events = [alertEvent(member, { at, code, message }), memberEvent(failed, { at, message })];
    const unreplaced = await whyNotReplaced(store, { cluster, failed });
    if (unreplaced !== undefined)
      events.push(alertEvent(member, { at, code: "too-many-unhealthy", message: unreplaced }));
    const reason = await whyClusterFails(store, { cluster, member, message });
    if (reason === undefined) return { members: [failed], events };
    const { clusters, events: further } = failCluster(cluster, { failure: { message: reason }, at });
    return { clusters, members: [failed], events: [...events, ...further] };
  });
  if (!isNews) return;
  observer.alert(code);
  logger.warn("Machine has terminated", { clusterId, member: name, machine: machine.id, reason: machine.ended });
}

/**
 * Returns why a cluster fails without this machine, or undefined. Kubernetes works without a worker. etcd needs most of
 * its members, and a terminated one takes its data along.
 */
async function whyClusterFails(
  store: Store,
  { cluster, member, message }: { cluster: ClusterRecord; member: MemberRecord; message: string },
): Promise<string | undefined> {
  if (isComingUp(cluster)) return message;
  if (cluster.state !== "ready" || member.role !== "control-plane") return undefined;
  const names = cluster.controlPlanes.map(({ name }) => name);
  const others = names.filter((name) => name !== member.name);
  const found = await Promise.all(others.map((name) => store.member(cluster.id, name)));
  const left = found.filter((other) => other !== undefined && other.endedAt === undefined).length;
  if (left > names.length / 2) return undefined;
  const counted = `${left} of ${names.length} control planes ${left === 1 ? "is" : "are"} left`;
  return `${message}; ${counted}, too few for an etcd quorum; delete the cluster and create it again`;
}

/** Returns why a member of a cluster that replaces members is not replaced; undefined if it is, or never would be. */
async function whyNotReplaced(
  store: Store,
  { cluster: { id, name, state, maxUnhealthy }, failed }: { cluster: ClusterRecord; failed: MemberRecord },
): Promise<string | undefined> {
  if (state !== "ready" || maxUnhealthy === undefined) return undefined;
  const others = (await store.members(id)).filter((each) => each.name !== failed.name && isTerminated(each));
  const unhealthy = others.length + 1;
  if (unhealthy <= maxUnhealthy) return undefined;
  return `${unhealthy} members of ${name} have terminated, more than maxUnhealthy (${maxUnhealthy}): none is replaced until some are detached`;
}

/** Puts a problem of a running machine on the timeline when it begins, changes and ends. */
async function recordTrouble(
  { store, clock, logger, observer }: ClusterDependencies,
  { owner, machine: { id, trouble } }: { owner: MemberRecord; machine: SurveyedMachine },
): Promise<void> {
  const { clusterId, name } = owner;
  const code = "machine-trouble";
  const isNews = await changeMember(store, owner, ({ cluster, member }) => {
    if (isDeleted(cluster) || member.trouble === trouble) return undefined;
    const at = clock.now();
    const { trouble: before, ...rest } = member;
    const message = `Machine ${id} of ${name}: ${trouble ?? `problem solved: ${before}`}`;
    if (trouble === undefined)
      return { members: [rest], events: [clusterEvent(clusterId, { state: cluster.state, at, message })] };
    return { members: [{ ...rest, trouble }], events: [alertEvent(member, { at, code, message })] };
  });
  if (!isNews || trouble === undefined) return;
  observer.alert(code);
  logger.warn("Machine has a problem", { clusterId, member: name, machine: id, reason: trouble });
}
