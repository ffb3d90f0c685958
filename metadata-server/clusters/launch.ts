import type { LaunchedMachine, MachineSpec } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { forEachConcurrently } from "./background.ts";
import { changeCluster, decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { canBecome, failCluster, failMember, isComingUp, memberEvent, transition } from "./lifecycle.ts";

/** Machines that a provider is asked for at once. */
const launchConcurrency = 64;

export interface Launch {
  clusterId: string;
  serverUrl: string;
  /** Members to launch, each with the plaintext that only its seed will hold. */
  capabilities: ReadonlyMap<string, string>;
}

export const launchName = (clusterId: string) => `launch ${clusterId}`;

/** Starts the machines in the background, the first control plane first. */
export function startLaunch(deps: ClusterDependencies, launch: Launch): void {
  deps.background.start(launchName(launch.clusterId), (signal) => launchMembers(deps, { ...launch, signal }));
}

async function launchMembers(deps: ClusterDependencies, launch: Launch & { signal: AbortSignal }): Promise<void> {
  const { store, clock } = deps;
  await changeCluster({ store, clusterId: launch.clusterId }, (cluster) =>
    canBecome(cluster, "provisioning") ? transition(cluster, { to: "provisioning", at: clock.now() }) : undefined,
  );
  const cluster = await store.cluster(launch.clusterId);
  if (cluster === undefined || !isComingUp(cluster)) return;
  const members = (await store.members(cluster.id)).filter(({ name }) => launch.capabilities.has(name));
  const limits = { limit: launchConcurrency, signal: launch.signal };
  await forEachConcurrently(members, limits, (member) => launchMember(deps, { ...launch, cluster, member }));
}

async function launchMember(
  deps: ClusterDependencies,
  options: Launch & { cluster: ClusterRecord; member: MemberRecord; signal: AbortSignal },
): Promise<void> {
  const { cluster, member, signal } = options;
  const provider = deps.providers.get(cluster.provider);
  let machine: LaunchedMachine | void;
  try {
    if (provider === undefined) throw new Error(`this server has no provider ${cluster.provider}`);
    machine = await provider.launch(toMachineSpec(deps, options), signal);
  } catch (error) {
    if (!signal.aborted) await recordLaunchFailure(deps, { member, error });
    return;
  }
  await recordLaunch(deps, { launched: member, machine, provisionAllowanceMs: provider.provisionAllowanceMs });
}

function toMachineSpec(
  deps: ClusterDependencies,
  { cluster, member, serverUrl, capabilities }: Launch & { cluster: ClusterRecord; member: MemberRecord },
): MachineSpec {
  const { clusterId, allocation, name, role, address, mac } = member;
  const { kubernetesVersion, providerData } = cluster;
  const capability = capabilities.get(name) ?? "";
  const seed = { server: serverUrl, ca: deps.ca, capability, ...(mac && { mac }), ...(address && { address }) };
  return { clusterId, allocation, name, role, address, mac, kubernetesVersion, providerData, seed };
}

/** The provision allowance counts from the first control plane's launch; until then it bounded the launch itself. */
export function countAllowance(
  cluster: ClusterRecord,
  { launched, at, provisionAllowanceMs }: { launched: MemberRecord; at: number; provisionAllowanceMs: number },
): ClusterRecord {
  const waiting = launched.first && isComingUp(cluster) && cluster.deadlineAt === null;
  return waiting ? { ...cluster, provisionDeadlineAt: at + provisionAllowanceMs } : cluster;
}

/** The machine may have called before its provider was done: then it is further than `launched` already. */
export async function recordLaunch(
  { store, clock }: Pick<ClusterDependencies, "store" | "clock">,
  {
    launched,
    machine,
    provisionAllowanceMs,
  }: {
    launched: Pick<MemberRecord, "clusterId" | "name">;
    machine: LaunchedMachine | void;
    provisionAllowanceMs: number;
  },
): Promise<void> {
  await decide(store, async () => {
    const { clusterId, name } = launched;
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    if (cluster === undefined || member === undefined || member.launchedAt !== null) return { result: undefined };
    const at = clock.now();
    const isPending = member.state === "pending";
    const state = isPending ? "launched" : member.state;
    const record: MemberRecord = { ...member, launchedAt: at, state, ...(machine && learnMachine(member, machine)) };
    const located = learnAddress(cluster, record);
    const changed = countAllowance(located, { launched: member, at, provisionAllowanceMs });
    const message = machine && `${machine.id}, ${machine.description}`;
    return {
      changes: {
        clusters: changed === cluster ? [] : [changed],
        members: [record],
        events: isPending ? [memberEvent(record, { at, ...(message && { message }) })] : [],
      },
      result: undefined,
    };
  });
}

const learnMachine = ({ address, mac }: MemberRecord, machine: LaunchedMachine) => ({
  machine,
  address: address ?? machine.address,
  mac: mac ?? machine.mac,
});

/** Fellow nodes wait for the addresses of the control planes. */
function learnAddress(cluster: ClusterRecord, { name, role, address }: MemberRecord): ClusterRecord {
  const isNews = cluster.controlPlanes.some((each) => each.name === name && each.address !== address);
  if (role !== "control-plane" || address === null || !isNews) return cluster;
  const controlPlanes = cluster.controlPlanes.map((each) => (each.name === name ? { name, address } : each));
  return { ...cluster, controlPlanes };
}

async function recordLaunchFailure(
  { store, clock, logger }: ClusterDependencies,
  { member: { clusterId, name }, error }: { member: MemberRecord; error: unknown },
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  logger.error("Machine could not be launched", { clusterId, member: name, error: reason });
  await decide(store, async () => {
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    if (cluster === undefined || member === undefined) return { result: undefined };
    const at = clock.now();
    const record = failMember(member, { phase: "launch", error: reason });
    const failure = { message: `Cannot launch ${name}: ${reason}` };
    const failed = isComingUp(cluster) ? failCluster(cluster, { failure, at }) : { clusters: [], events: [] };
    const events = [memberEvent(record, { at, message: reason }), ...failed.events];
    return { changes: { ...failed, members: [record], events }, result: undefined };
  });
}
