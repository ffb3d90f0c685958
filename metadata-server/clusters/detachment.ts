import { drainNode } from "../kubernetes/drain-node.ts";
import { removeEtcdMember } from "../kubernetes/etcd-members.ts";
import { cordonNode, deleteNode } from "../kubernetes/nodes.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { abortOnChange } from "./abort-on-change.ts";
import { findControlPlanes, openClusterApi, openClusterEtcd } from "./cluster-access.ts";
import { changeMember } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { isElsewhere } from "./is-elsewhere.ts";
import { alertEvent, isDeleted, memberEvent, toTime } from "./lifecycle.ts";
import { longPoll } from "./long-poll.ts";
import { startRetriedWork } from "./retried-work.ts";
import { nodeNumber } from "./node-names.ts";

/** Between two lines on the timeline that say that a launch still runs. */
const launchHoldMs = 60_000;

type MemberKey = Pick<MemberRecord, "clusterId" | "name">;
type Leaving = MemberRecord & { detachment: NonNullable<MemberRecord["detachment"]> };

interface Departure {
  cluster: ClusterRecord;
  member: Leaving;
  signal: AbortSignal;
}

const isLeaving = (member: MemberRecord | undefined): member is Leaving => member?.detachment !== undefined;

/** Beginning of the names of a cluster's detachments. */
export const detachmentsOf = (clusterId: string) => `detach ${clusterId}`;
export const detachmentName = ({ clusterId, name }: MemberKey) => `${detachmentsOf(clusterId)} ${name}`;

/** Drains the member's node and removes it, after a restart as well. */
export function startDetachment(deps: ClusterDependencies, key: MemberKey): void {
  startRetriedWork(deps, {
    clusterId: key.clusterId,
    name: detachmentName(key),
    goal: `detach ${key.name}`,
    isNeeded: (cluster) => cluster.state === "ready" && !isElsewhere(deps, cluster),
    attempt: (leased, cluster, signal) => detach(leased, { cluster, name: key.name, signal }),
  });
}

/** Begins again if the member is to leave on other terms meanwhile, whichever server was asked. */
async function detach(
  deps: ClusterDependencies,
  { cluster, name, signal }: { cluster: ClusterRecord; name: string; signal: AbortSignal },
): Promise<void> {
  const { id: clusterId } = cluster;
  const member = await deps.store.member(clusterId, name);
  if (!isLeaving(member)) return;
  const hasOtherTerms = async () => !isOnTerms(await deps.store.member(clusterId, name), member.detachment);
  using terms = abortOnChange(deps.store, { clusterId, signal }, hasOtherTerms);
  try {
    const drained = await drain(deps, { cluster, member, signal: terms.signal });
    if (drained !== undefined) return await remove(deps, { cluster, member: drained, signal });
  } catch (error) {
    if (signal.aborted || !terms.signal.aborted) throw error;
  }
  await detach(deps, { cluster, name, signal });
}

const isOnTerms = (member: MemberRecord | undefined, terms: Leaving["detachment"]) =>
  member?.detachment?.drainBy === terms.drainBy && member.detachment.force === terms.force;

/** Returns the member once no pod needs its machine; undefined if its detachment was given up. */
async function drain(deps: ClusterDependencies, { cluster, member, signal }: Departure): Promise<Leaving | undefined> {
  const { drainBy, force, drainedAt } = member.detachment;
  if (drainedAt !== undefined) return member;
  // The pods of a machine that has terminated ended with it.
  const isPointless = member.endedAt !== undefined || drainBy <= deps.clock.now();
  const blockedBy = isPointless ? undefined : await drainByApi(deps, { cluster, member, signal });
  if (blockedBy !== undefined && !force) {
    await giveUp(deps, { member, blockedBy });
    return undefined;
  }
  return recordDrained(deps, { member, blockedBy });
}

async function drainByApi(
  deps: ClusterDependencies,
  { cluster, member, signal }: Departure,
): Promise<string | undefined> {
  const { name, detachment } = member;
  using api = await openClusterApi(deps, { cluster, controlPlanes: await findControlPlanes(deps, cluster) });
  const { blockedBy } = await drainNode(api, { name, drainBy: detachment.drainBy, clock: deps.clock, signal });
  // It stays in the cluster, so pods may come again.
  if (blockedBy !== undefined && !detachment.force)
    await cordonNode(api, { name, isCordoned: false, signal }).catch(() => undefined);
  return blockedBy;
}

async function giveUp(
  { store, clock, logger, observer }: ClusterDependencies,
  { member: { clusterId, name, detachment: terms }, blockedBy }: { member: Leaving; blockedBy: string },
): Promise<void> {
  const code = "detach-failed";
  const message = `Cannot drain ${name} in time: ${blockedBy}; the member stays. Detach it with more time, or with force`;
  const isGivenUp = await changeMember(store, { clusterId, name }, ({ member }) => {
    if (!isOnTerms(member, terms)) return undefined;
    const { detachment: _, ...rest } = member;
    const at = clock.now();
    const stays = { ...rest, detachFailure: { at: toTime(at), error: message } };
    return { members: [stays], events: [alertEvent(member, { at, code, message })] };
  });
  if (!isGivenUp) return;
  observer.alert(code);
  logger.warn("Cannot detach member", { clusterId, member: name, reason: blockedBy });
}

async function recordDrained(
  { store, clock }: ClusterDependencies,
  { member: { clusterId, name }, blockedBy }: { member: Leaving; blockedBy: string | undefined },
): Promise<Leaving | undefined> {
  await changeMember(store, { clusterId, name }, ({ member }) => {
    if (!isLeaving(member)) return undefined;
    const at = clock.now();
    const message = blockedBy === undefined ? "Drained" : `Not drained, but forced: ${blockedBy}`;
    return {
      members: [{ ...member, detachment: { ...member.detachment, drainedAt: at } }],
      events: [memberEvent({ clusterId, name, state: "detaching" }, { at, message })],
    };
  });
  const drained = await store.member(clusterId, name);
  return isLeaving(drained) ? drained : undefined;
}

/** Terminates the machine before its Node is deleted: a kubelet that still runs would report to a Node that is gone. */
async function remove(deps: ClusterDependencies, { cluster, member, signal }: Departure): Promise<void> {
  const provider = deps.providers.get(cluster.provider);
  if (provider === undefined) throw new Error(`this server has no provider ${cluster.provider}`);
  const { clusterId, name, allocation, role, address } = member;
  const controlPlanes = (await findControlPlanes(deps, cluster)).filter((each) => each.name !== name);
  if (role === "control-plane" && address !== null) {
    using etcd = await openClusterEtcd(deps, { cluster, controlPlanes });
    await removeEtcdMember(etcd, { address, signal });
  }
  if (provider.userDataServerUrl === undefined) await launchEnd(deps, { member, signal });
  await provider.terminate({ clusterId, allocation });
  using api = await openClusterApi(deps, { cluster, controlPlanes });
  await deleteNode(api, { name, signal });
  await recordRemoved(deps, { member, isOperators: provider.userDataServerUrl !== undefined });
}

/** Waits for a launch that still runs: it would leave a machine behind. */
async function launchEnd(
  deps: ClusterDependencies,
  { member: { clusterId, name }, signal }: Pick<Departure, "member" | "signal">,
): Promise<void> {
  const hasEnded = await longPoll(deps, { clusterId, holdMs: launchHoldMs, signal }, async () => {
    const member = await deps.store.member(clusterId, name);
    const isLaunching = member !== undefined && member.launchedAt === null && member.state !== "failed";
    return isLaunching ? undefined : true;
  });
  if (hasEnded === undefined) throw new Error("the launch of its machine has not ended yet");
}

async function recordRemoved(
  { store, clock }: ClusterDependencies,
  { member: { clusterId, name }, isOperators }: { member: Leaving; isOperators: boolean },
): Promise<void> {
  await changeMember(store, { clusterId, name }, ({ cluster, member }) => {
    if (!isLeaving(member) || isDeleted(cluster)) return undefined;
    const message = isOperators ? "Detached; the operator must terminate its machine" : "Detached";
    const named = member.role === "worker" ? "workersNamed" : "controlPlanesNamed";
    return {
      clusters: [
        {
          ...cluster,
          nodes: cluster.nodes - 1,
          controlPlanes: cluster.controlPlanes.filter((each) => each.name !== name),
          ...(member.detachment.isReplaced && { controlPlanesOwed: (cluster.controlPlanesOwed ?? 0) + 1 }),
          [named]: Math.max(cluster[named] ?? 0, nodeNumber({ name })),
        },
      ],
      removedMembers: [{ clusterId, name, version: member.version }],
      events: [memberEvent({ clusterId, name, state: "deleted" }, { at: clock.now(), message })],
    };
  });
}
