import { messageOf } from "#lib/errors.ts";
import type { MachineProvider, RunningMachine } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { resealCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import { startDeletion } from "./delete-cluster.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { startDetachment } from "./detachment.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { hasEnded } from "./lifecycle.ts";
import { recordLaunch, startLaunch } from "./launch.ts";
import { liveClusters } from "./queries.ts";
import { startRetriedWork } from "./retried-work.ts";

/**
 * Resumes interrupted launches and deletions after a start, and terminates machines that no cluster owns. It must end
 * before the first request is served, or it could take a new machine for a stray.
 */
export async function reconcile(deps: ClusterDependencies): Promise<void> {
  const live = await Array.fromAsync(liveClusters(deps.store));
  const owned = new Set<string>();
  for (const cluster of live) {
    const members = await deps.store.members(cluster.id);
    owned.add(machineKey({ clusterId: cluster.id, allocation: "" }));
    for (const { allocation } of members) owned.add(machineKey({ clusterId: cluster.id, allocation }));
    if (cluster.state === "deleting") startDeletion(deps, cluster.id);
    for (const { name, detachment } of members)
      if (detachment !== undefined) startDetachment(deps, { clusterId: cluster.id, name });
    const isLaunchedHere = deps.providers.get(cluster.provider)?.userDataServerUrl === undefined;
    if (isLaunchedHere && !hasEnded(cluster) && members.some(isUnlaunched)) startRelaunch(deps, cluster.id);
  }
  await Promise.all(Array.from(deps.providers.values(), (provider) => reap(deps, { provider, owned })));
}

/** A member that has failed alone, in a ready cluster, gets no machine any longer. */
const isUnlaunched = ({ state, launchedAt, firstContactAt }: MemberRecord) =>
  state !== "failed" && launchedAt === null && firstContactAt === null;

/** Retries while the cluster gets machines: a provider may be out of reach at a start. */
function startRelaunch(deps: ClusterDependencies, clusterId: string): void {
  startRetriedWork(deps, {
    clusterId,
    name: `relaunch ${clusterId}`,
    goal: "resume launch",
    isNeeded: (cluster) => !hasEnded(cluster),
    attempt: async (cluster) => {
      const provider = deps.providers.get(cluster.provider);
      if (provider === undefined)
        return deps.logger.error("Cannot resume launch: unknown provider", { clusterId, provider: cluster.provider });
      await relaunch(deps, { cluster, provider });
    },
  });
}

/**
 * Launches members again. Each gets a new capability, because the old plaintext was only in a seed that may be lost.
 */
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
    // The capability changes first: a machine that did start is then unknown. One that has called keeps its capability.
    const capability = await reissueCapability(deps, { cluster, name });
    if (capability === undefined) continue;
    await (provider.abandonLaunch?.({ clusterId, allocation }) ?? provider.terminate({ clusterId, allocation }));
    capabilities.set(name, capability);
  }
  if (capabilities.size === 0) return;
  deps.logger.info("Launching machines again after a restart", { clusterId, machines: capabilities.size });
  startLaunch(deps, { clusterId, serverUrl: segment.serverUrl, capabilities });
}

/** Adopts machines that were launched before a crash but never recorded. Returns the members that still need one. */
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
    deps.logger.info("Adopting a machine whose launch a restart interrupted", { clusterId, machine: machine.id });
    await recordLaunch(deps, { launched, machine, provisionAllowanceMs: provider.provisionAllowanceMs });
    return [];
  });
  return (await Promise.all(adopted)).flat();
}

/** Returns undefined if the machine has called in the meantime: it has its seed. */
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

/** Terminates strays and releases their segments. After an error, the next start finds the rest. */
async function reap(
  deps: ClusterDependencies,
  { provider, owned }: { provider: MachineProvider; owned: ReadonlySet<string> },
): Promise<void> {
  const strays = (await listMachines(deps, provider)).filter((machine) => !owned.has(machineKey(machine)));
  const segments = new Set(strays.map(({ clusterId }) => clusterId));
  for (const machine of strays.filter(({ allocation }) => allocation !== "")) {
    deps.logger.warn("Terminating a stray machine", { ...machine, provider: provider.name });
    await attempt(deps, () => provider.terminate(machine));
  }
  for (const clusterId of segments)
    if (!owned.has(machineKey({ clusterId, allocation: "" }))) await attempt(deps, () => provider.release(clusterId));
}

/** A remote provider may be unreachable at a start. Its next survey finds the strays. */
async function listMachines({ logger }: ClusterDependencies, provider: MachineProvider): Promise<RunningMachine[]> {
  if (provider.surveyIntervalMs === undefined) return provider.list();
  return provider.list().catch((error: unknown) => {
    logger.error("Cannot list machines", { provider: provider.name, error: messageOf(error) });
    return [];
  });
}

async function attempt({ logger }: ClusterDependencies, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logger.error("Cannot remove what no cluster owns", { error: messageOf(error) });
  }
}

const machineKey = ({ clusterId, allocation }: RunningMachine) => `${clusterId}/${allocation}`;
