import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { attachMembers } from "./attach-members.ts";
import { bySprout } from "./audit.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { detachMember } from "./detach-member.ts";
import { liveClusters } from "./queries.ts";
import { startRetriedWork } from "./retried-work.ts";

/** Starts the replacement of every worker of this provider's clusters whose machine has terminated, within limits. */
export async function replaceTerminated(deps: ClusterDependencies, provider: MachineProvider): Promise<void> {
  for await (const cluster of liveClusters(deps.store)) {
    if (cluster.provider !== provider.name || cluster.state !== "ready" || !cluster.maxUnhealthy) continue;
    const terminated = (await deps.store.members(cluster.id)).filter(isTerminatedWorker);
    if (terminated.length > cluster.maxUnhealthy) continue;
    for (const member of terminated) startReplacement(deps, { cluster, member });
  }
}

/** One that is detaching has its replacement already, or the operator wants none. */
export const isTerminatedWorker = ({ role, endedAt, detachment }: MemberRecord): boolean =>
  role === "worker" && endedAt !== undefined && detachment === undefined;

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
    isNeeded: ({ state }) => state === "ready",
    attempt: async () => {
      const current = await deps.store.member(clusterId, name);
      if (current === undefined || !isTerminatedWorker(current)) return;
      // No caller can send a key with a space.
      const idempotencyKey = `replace ${allocation}`;
      const { nodePool } = current;
      await attachMembers(deps, { workers: 1, nodePool }, { clusterId, by: bySprout, idempotencyKey });
      await detachMember(deps, { clusterId, name, drainTimeoutSeconds: 0, force: true, by: bySprout });
    },
  });
}
