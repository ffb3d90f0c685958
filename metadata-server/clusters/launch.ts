import { messageOf } from "#lib/errors.ts";
import type { MachineSpec } from "../providers/provider.ts";
import type { ClusterRecord, LaunchedMachine, MemberRecord } from "../store/records.ts";
import { abortOnChange } from "./abort-on-change.ts";
import { forEachConcurrently } from "./background.ts";
import { changeCluster, changeMember } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { hashToken } from "./identifiers.ts";
import { canBecome, failCluster, failMember, hasEnded, isComingUp, memberEvent, transition } from "./lifecycle.ts";
import { machineOf } from "./node-pools.ts";
import { toSeed } from "./seed.ts";

/** Most machines that a provider launches at once. */
const launchConcurrency = 64;

export interface Launch {
  clusterId: string;
  serverUrl: string;
  /** Capabilities by member, in plaintext that only the seed will hold. */
  capabilities: ReadonlyMap<string, string>;
}

/** Beginning of the names of a cluster's launches, and their lease: one server at a time launches its machines. */
export const launchesOf = (clusterId: string) => `launch ${clusterId}`;

/** Launches the machines in the background, the first control plane first. */
export function startLaunch(deps: ClusterDependencies, launch: Launch): void {
  const [first = "none"] = launch.capabilities.keys();
  const name = launchesOf(launch.clusterId);
  deps.background.start(`${name} ${first}`, (signal) =>
    deps.leases.wait({ name, signal, isShared: true }, (leased) =>
      launchMembers({ ...deps, store: leased.store }, { ...launch, signal: leased.signal }),
    ),
  );
}

async function launchMembers(deps: ClusterDependencies, launch: Launch & { signal: AbortSignal }): Promise<void> {
  const { store, clock } = deps;
  await changeCluster({ store, clusterId: launch.clusterId }, (cluster) =>
    canBecome(cluster, "provisioning") ? transition(cluster, { to: "provisioning", at: clock.now() }) : undefined,
  );
  const cluster = await store.cluster(launch.clusterId);
  if (cluster === undefined || hasEnded(cluster)) return;
  const members = (await store.members(cluster.id)).filter((member) => isToLaunch(member, launch));
  using launching = abortOnChange(store, launch, async () => {
    const current = await store.cluster(launch.clusterId);
    return current === undefined || hasEnded(current);
  });
  const { signal } = launching;
  const limits = { limit: launchConcurrency, signal };
  await forEachConcurrently(members, limits, (member) => launchMember(deps, { ...launch, signal, cluster, member }));
}

/** Another server may have launched it with another capability, because this one was slow. */
const isToLaunch = ({ name, capabilityHash, launchedAt }: MemberRecord, { capabilities }: Launch) =>
  launchedAt === null && capabilityHash === hashToken(capabilities.get(name) ?? "");

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
    if (!signal.aborted) await recordLaunchFailure(deps, { launched: member, error });
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
  const seed = toSeed(member, { server: serverUrl, ca: deps.ca, capability: capabilities.get(name) ?? "" });
  const { image, instanceTypes } = machineOf(cluster, member);
  return {
    clusterId,
    allocation,
    name,
    role,
    address,
    mac,
    kubernetesVersion,
    image,
    instanceTypes,
    providerData,
    seed,
  };
}

/** Restarts the provision allowance when the first control plane is launched. Until then it limits the launch. */
export function countAllowance(
  cluster: ClusterRecord,
  { launched, at, provisionAllowanceMs }: { launched: MemberRecord; at: number; provisionAllowanceMs: number },
): ClusterRecord {
  const waiting = launched.first && isComingUp(cluster) && cluster.deadlineAt === null;
  return waiting ? { ...cluster, provisionDeadlineAt: at + provisionAllowanceMs } : cluster;
}

/** Records a launch. A machine that called before its provider was done keeps its later state. */
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
  await changeMember(store, launched, ({ cluster, member }) => {
    if (member.launchedAt !== null) return undefined;
    const at = clock.now();
    const isPending = member.state === "pending";
    const state = isPending ? "launched" : member.state;
    const record: MemberRecord = { ...member, launchedAt: at, state, ...(machine && learnMachine(member, machine)) };
    const located = learnAddress(cluster, record);
    const changed = countAllowance(located, { launched: member, at, provisionAllowanceMs });
    const message = machine && `${machine.id}, ${machine.description}`;
    return {
      clusters: changed === cluster ? [] : [changed],
      members: [record],
      events: isPending ? [memberEvent(record, { at, ...(message && { message }) })] : [],
    };
  });
}

const learnMachine = ({ address, mac }: MemberRecord, machine: LaunchedMachine) => ({
  machine,
  address: address ?? machine.address,
  mac: mac ?? machine.mac,
});

/** Keeps a control plane's address in the cluster's record: the other nodes wait for it. */
function learnAddress(cluster: ClusterRecord, { name, role, address }: MemberRecord): ClusterRecord {
  const isNews = cluster.controlPlanes.some((each) => each.name === name && each.address !== address);
  if (role !== "control-plane" || address === null || !isNews) return cluster;
  const controlPlanes = cluster.controlPlanes.map((each) => (each.name === name ? { name, address } : each));
  return { ...cluster, controlPlanes };
}

async function recordLaunchFailure(
  { store, clock, logger }: ClusterDependencies,
  { launched, error }: { launched: MemberRecord; error: unknown },
): Promise<void> {
  const { clusterId, name } = launched;
  const reason = messageOf(error);
  logger.error("Cannot launch machine", { clusterId, member: name, error: reason });
  await changeMember(store, launched, ({ cluster, member }) => {
    const at = clock.now();
    const record = failMember(member, { phase: "launch", error: reason });
    const failure = { message: `Cannot launch ${name}: ${reason}` };
    const failed = isComingUp(cluster) ? failCluster(cluster, { failure, at }) : { clusters: [], events: [] };
    const events = [memberEvent(record, { at, message: reason }), ...failed.events];
    return { ...failed, members: [record], events };
  });
}
