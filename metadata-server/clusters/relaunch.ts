import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { resealCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { type Launch, launchesOf, recordLaunch, startLaunch } from "./launch.ts";
import { hasEnded } from "./lifecycle.ts";
import { startRetriedWork } from "./retried-work.ts";

/** A member that has failed alone, in a ready cluster, gets no machine any longer. */
export const isUnlaunched = ({ state, launchedAt, firstContactAt }: MemberRecord) =>
  state !== "failed" && launchedAt === null && firstContactAt === null;

/** Retries while the cluster gets machines: a provider may be out of reach at a start. */
export function startRelaunch(deps: ClusterDependencies, clusterId: string): void {
  startRetriedWork(deps, {
    clusterId,
    name: `relaunch ${clusterId}`,
    goal: "resume launch",
    isNeeded: (cluster) => !hasEnded(cluster),
    attempt: async (leased, cluster, signal) => {
      const provider = deps.providers.get(cluster.provider);
      if (provider === undefined)
        return deps.logger.error("Cannot resume launch: unknown provider", { clusterId, provider: cluster.provider });
      // Nothing to resume while this server or another one launches them.
      await deps.leases.run({ name: launchesOf(clusterId), signal }, async () => {
        const launch = await prepareLaunch(leased, { cluster, provider });
        if (launch !== undefined) startLaunch(deps, launch);
      });
    },
  });
}

/**
 * Makes room to launch members again, if there are any. Each gets a new capability, because the old plaintext was only in a seed that may be lost.
 */
async function prepareLaunch(
  deps: ClusterDependencies,
  { cluster, provider }: { cluster: ClusterRecord; provider: MachineProvider },
): Promise<Launch | undefined> {
  const { id: clusterId } = cluster;
  const owned = await deps.store.members(clusterId);
  if (!owned.some(isUnlaunched)) return undefined;
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
  if (capabilities.size === 0) return undefined;
  deps.logger.info("Launching machines again after a restart", { clusterId, machines: capabilities.size });
  return { clusterId, serverUrl: segment.serverUrl, capabilities };
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
