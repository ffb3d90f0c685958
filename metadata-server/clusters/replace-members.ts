import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { attachMembers } from "./attach-members.ts";
import { bySprout } from "./audit.ts";
import { isChanging } from "./control-planes.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { detachMember } from "./detach-member.ts";
import { isElsewhere } from "./is-elsewhere.ts";
import { liveClusters } from "./queries.ts";
import { startRetriedWork } from "./retried-work.ts";

/** Starts the replacement of every member of this provider's clusters whose machine has terminated, within limits. */
export async function replaceTerminated(deps: ClusterDependencies, provider: MachineProvider): Promise<void> {
  for await (const cluster of liveClusters(deps.store)) {
    if (cluster.provider !== provider.name || cluster.state !== "ready" || !cluster.maxUnhealthy) continue;
    if (isElsewhere(deps, cluster)) continue;
    const members = await deps.store.members(cluster.id);
    const terminated = members.filter(isTerminated);
    if (terminated.length > cluster.maxUnhealthy) continue;
    for (const member of terminated) if (member.role === "worker") startReplacement(deps, { cluster, member });
    replaceControlPlanes(deps, { cluster, members });
  }
}

/** One that is detaching has its replacement already, or the operator wants none. */
export const isTerminated = ({ endedAt, detachment }: MemberRecord): boolean =>
  endedAt !== undefined && detachment === undefined;

const isReady = ({ state }: ClusterRecord): boolean => state === "ready";

/** The new worker comes first: a crash in between leaves the old one, which is found again. */
function startReplacement(
  deps: ClusterDependencies,
  { cluster: { id: clusterId }, member }: { cluster: ClusterRecord; member: MemberRecord },
): void {
  const { name, allocation } = member;
  startRetriedWork(deps, {
    clusterId,
    name: `replace ${clusterId} ${name}`,
    goal: `replace ${name}`,
    isNeeded: isReady,
    attempt: async (leased) => {
      const current = await leased.store.member(clusterId, name);
      if (current === undefined || !isTerminated(current)) return;
      // No caller can send a key with a space.
      const idempotencyKey = `replace ${allocation}`;
      const { nodePool } = current;
      await attachMembers(leased, { workers: 1, nodePool }, { clusterId, by: bySprout, idempotencyKey });
      await detachMember(leased, { clusterId, name, drainTimeoutSeconds: 0, force: true, by: bySprout });
    },
  });
}

/**
 * Takes the next step, one with each survey. The old control plane leaves first: an etcd that lacks a member must not
 * grow. The cluster's record counts those that are owed, so that a crash in between loses none.
 */
function replaceControlPlanes(
  deps: ClusterDependencies,
  { cluster: { id: clusterId, ...cluster }, members }: { cluster: ClusterRecord; members: readonly MemberRecord[] },
): void {
  const all = members.filter(({ role }) => role === "control-plane");
  const [lost] = all.filter(isTerminated);
  if (all.some((each) => isChanging(cluster, each)) || (lost === undefined && countMissing(cluster) === 0)) return;
  const work = { clusterId, name: `replace ${clusterId} control planes` };
  if (lost === undefined) {
    const attempt = async (leased: ClusterDependencies, current: ClusterRecord) => {
      const controlPlanes = countMissing(current);
      if (controlPlanes > 0) await attachMembers(leased, { controlPlanes }, { clusterId, by: bySprout });
    };
    startRetriedWork(deps, { ...work, goal: "replace control planes", isNeeded: isReady, attempt });
    return;
  }
  const { name } = lost;
  const attempt = async (leased: ClusterDependencies) => {
    const current = await leased.store.member(clusterId, name);
    if (current === undefined || !isTerminated(current)) return;
    const departure = { drainTimeoutSeconds: 0, force: true, isReplaced: true as const, by: bySprout };
    await detachMember(leased, { clusterId, name, ...departure });
  };
  startRetriedWork(deps, { ...work, goal: `replace ${name}`, isNeeded: isReady, attempt });
}

/** How many control planes are owed and can be attached: their number stays odd, whatever the operator detached. */
function countMissing({ controlPlanes, controlPlanesOwed = 0 }: Omit<ClusterRecord, "id">): number {
  const isOdd = (controlPlanes.length + controlPlanesOwed) % 2 === 1;
  return isOdd ? controlPlanesOwed : Math.max(0, controlPlanesOwed - 1);
}
