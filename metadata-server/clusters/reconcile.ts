import type { MachineProvider, RunningMachine } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { resealCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import { liveClusters } from "./deadlines.ts";
import { startDeletion } from "./delete-cluster.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { clusterEvent, isComingUp } from "./lifecycle.ts";
import { recordLaunch, startLaunch } from "./launch.ts";
import { tryAgain } from "./try-again.ts";

/**
 * After a start: launches that were cut off are done again, deletions go on, and machines that no cluster owns are
 * ended. Must end before the first request is served, so that nothing new is taken for something left over.
 */
export async function reconcile(deps: ClusterDependencies): Promise<void> {
  const live = await Array.fromAsync(liveClusters(deps.store));
  const owned = new Set<string>();
  for (const cluster of live) {
    const members = await deps.store.members(cluster.id);
    owned.add(machineKey({ clusterId: cluster.id, allocation: "" }));
    for (const { allocation } of members) owned.add(machineKey({ clusterId: cluster.id, allocation }));
    if (cluster.state === "deleting") startDeletion(deps, cluster.id);
    const isLaunchedHere = deps.providers.get(cluster.provider)?.userDataServerUrl === undefined;
    if (isLaunchedHere && isComingUp(cluster) && members.some(isUnlaunched)) startRelaunch(deps, cluster.id);
  }
  await Promise.all(Array.from(deps.providers.values(), (provider) => reap(deps, { provider, owned })));
}

const isUnlaunched = ({ launchedAt, firstContactAt }: MemberRecord) => launchedAt === null && firstContactAt === null;

/** Goes on for as long as the cluster may still come up: a provider may be out of reach at a start. */
function startRelaunch(deps: ClusterDependencies, clusterId: string): void {
  deps.background.start(`relaunch ${clusterId}`, async (signal) => {
    const goOn = async () => {
      const cluster = await deps.store.cluster(clusterId);
      if (cluster === undefined || !isComingUp(cluster)) return;
      const provider = deps.providers.get(cluster.provider);
      if (provider === undefined)
        return deps.logger.error("No such provider", { clusterId, provider: cluster.provider });
      await relaunch(deps, { cluster, provider });
    };
    await tryAgain(goOn, {
      clock: deps.clock,
      signal,
      onFailure: (failure) => recordFailedRelaunch(deps, { clusterId, ...failure }),
    });
  });
}

/** A capability's plaintext was only in the seed that may never have been written: such a member gets a new one. */
async function relaunch(
  deps: ClusterDependencies,
  { cluster, provider }: { cluster: ClusterRecord; provider: MachineProvider },
): Promise<void> {
  const { id: clusterId } = cluster;
  const owned = await deps.store.members(clusterId);
  const reserved = owned.map(({ name, role, allocation }) => ({ name, role, allocation }));
  const segment = await provider.reserve({ clusterId, members: reserved, network: cluster.network });
  const lost = await adoptLaunched(deps, { cluster, members: owned.filter(isUnlaunched), provider });
  const capabilities = new Map<string, string>();
  for (const { name, allocation } of lost) {
    // The capability first: from then on a machine that did start is a stranger, and one that has called is kept.
    const capability = await reissueCapability(deps, { cluster, name });
    if (capability === undefined) continue;
    await (provider.abandonLaunch?.({ clusterId, allocation }) ?? provider.terminate({ clusterId, allocation }));
    capabilities.set(name, capability);
  }
  if (capabilities.size === 0) return;
  deps.logger.info("Launching again what a restart cut off", { clusterId, machines: capabilities.size });
  startLaunch(deps, { clusterId, serverUrl: segment.serverUrl, capabilities });
}

async function recordFailedRelaunch(
  { store, clock, logger }: ClusterDependencies,
  { clusterId, error, delayMs }: { clusterId: string; error: unknown; delayMs: number },
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Cannot go on with the launch that a restart cut off: ${reason}; trying again in ${delayMs / 1000} s`;
  logger.error("Launch could not be gone on with", { clusterId, error: message });
  const cluster = await store.cluster(clusterId);
  if (cluster === undefined || !isComingUp(cluster)) return;
  await store.commit({ events: [clusterEvent(clusterId, { state: cluster.state, at: clock.now(), message })] });
}

/** Machines that were launched and not recorded have the capability whose hash is in the store: they are kept. The others. */
async function adoptLaunched(
  deps: ClusterDependencies,
  { cluster, members, provider }: { cluster: ClusterRecord; members: MemberRecord[]; provider: MachineProvider },
): Promise<MemberRecord[]> {
  if (provider.adopt === undefined) return members;
  const { id: clusterId, providerData } = cluster;
  const adopted = members.map(async (launched) => {
    if (launched.relaunched) return [launched];
    const machine = await provider.adopt?.({ clusterId, allocation: launched.allocation, providerData });
    if (machine === undefined) return [launched];
    deps.logger.info("Adopting a machine that a restart cut off", { clusterId, machine: machine.id });
    await recordLaunch(deps, { launched, machine, provisionAllowanceMs: provider.provisionAllowanceMs });
    return [];
  });
  return (await Promise.all(adopted)).flat();
}

/** None for a machine that has called meanwhile: it has its seed. */
async function reissueCapability(
  deps: ClusterDependencies,
  { cluster, name }: { cluster: ClusterRecord; name: string },
): Promise<string | undefined> {
  return decide(deps.store, async () => {
    const member = await deps.store.member(cluster.id, name);
    if (member === undefined || member.firstContactAt !== null) return { result: undefined };
    const capability = createToken(deps.random);
    const capabilityHash = hashToken(capability);
    const secrets = await resealCredentials(deps, { cluster, member, capabilityHash });
    return { changes: { members: [{ ...member, capabilityHash, relaunched: true }], secrets }, result: capability };
  });
}

/** What remains after an error is found again by the next start. */
async function reap(
  deps: ClusterDependencies,
  { provider, owned }: { provider: MachineProvider; owned: ReadonlySet<string> },
): Promise<void> {
  const strays = (await listMachines(deps, provider)).filter((machine) => !owned.has(machineKey(machine)));
  const segments = new Set(strays.map(({ clusterId }) => clusterId));
  for (const machine of strays.filter(({ allocation }) => allocation !== "")) {
    deps.logger.warn("Ending a machine that no cluster owns", { ...machine, provider: provider.name });
    await attempt(deps, () => provider.terminate(machine));
  }
  for (const clusterId of segments)
    if (!owned.has(machineKey({ clusterId, allocation: "" }))) await attempt(deps, () => provider.release(clusterId));
}

/** Machines elsewhere may be out of reach at a start; whoever surveys them looks again. */
async function listMachines({ logger }: ClusterDependencies, provider: MachineProvider): Promise<RunningMachine[]> {
  if (provider.surveyIntervalMs === undefined) return provider.list();
  return provider.list().catch((error: unknown) => {
    logger.error("Machines could not be listed", { provider: provider.name, error: String(error) });
    return [];
  });
}

async function attempt({ logger }: ClusterDependencies, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logger.error("Could not remove what no cluster owns", { error: String(error) });
  }
}

const machineKey = ({ clusterId, allocation }: RunningMachine) => `${clusterId}/${allocation}`;
