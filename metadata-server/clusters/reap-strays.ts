import { messageOf } from "#lib/errors.ts";
import type { MachineProvider, RunningMachine } from "../providers/provider.ts";
import { repeat } from "./background.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { liveClusters } from "./queries.ts";

/** Longer than any request takes from its reservation to its commit. */
const reservationMs = 60_000;

/** Terminates machines that no cluster owns, and releases their segments. After an error, the next start finds the rest. */
export async function reapStrays(deps: ClusterDependencies): Promise<void> {
  const reap = async (provider: MachineProvider) =>
    remove(deps, { provider, strays: await findStrays(deps, provider) });
  await Promise.all(Array.from(deps.providers.values(), reap));
}

/**
 * Reaps once a minute what was a stray a minute before, too: another server may have reserved machines for a cluster
 * that it has not stored yet. One server does it for each provider.
 */
export async function watchStrays(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger, providers, leases } = deps;
  const onFailure = (error: unknown) => logger.error("Cannot look for strays; retrying", { error: messageOf(error) });
  const watch = (provider: MachineProvider) =>
    leases.keep({ name: `strays ${provider.name} ${provider.place ?? ""}`, signal }, async (leased) => {
      let before: ReadonlySet<string> = new Set();
      const work = async () => {
        const strays = await findStrays(deps, provider);
        await remove(deps, { provider, strays: strays.filter((machine) => before.has(machineKey(machine))) });
        before = new Set(strays.map(machineKey));
      };
      await repeat(work, { clock, intervalMs: reservationMs, signal: leased.signal, onFailure });
    });
  await Promise.all(Array.from(providers.values(), watch));
}

/** Lists the machines first: a cluster is stored before its machines are launched. */
async function findStrays(deps: ClusterDependencies, provider: MachineProvider): Promise<RunningMachine[]> {
  const machines = await listMachines(deps, provider);
  if (machines.length === 0) return [];
  const owned = new Set<string>();
  for await (const { id: clusterId } of liveClusters(deps.store)) {
    owned.add(machineKey({ clusterId, allocation: "" }));
    for (const { allocation } of await deps.store.members(clusterId)) owned.add(machineKey({ clusterId, allocation }));
  }
  return machines.filter((machine) => !owned.has(machineKey(machine)));
}

async function remove(
  deps: ClusterDependencies,
  { provider, strays }: { provider: MachineProvider; strays: readonly RunningMachine[] },
): Promise<void> {
  const segments = new Set(strays.flatMap(({ clusterId, allocation }) => (allocation === "" ? [clusterId] : [])));
  for (const machine of strays.filter(({ allocation }) => allocation !== "")) {
    deps.logger.warn("Terminating a stray machine", { ...machine, provider: provider.name });
    await attempt(deps, () => provider.terminate(machine));
  }
  for (const clusterId of segments) await attempt(deps, () => provider.release(clusterId));
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
