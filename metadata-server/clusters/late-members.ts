import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { changeCluster } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failMember, memberEvent, withoutJoinBy } from "./lifecycle.ts";
import { toPeerReport } from "./peers.ts";
import { describeMissing } from "./verdict.ts";

const isJoining = ({ joinBy, state, detachment }: MemberRecord) =>
  joinBy !== undefined && detachment === undefined && state !== "ready" && state !== "failed" && state !== "deleted";

/** Fails attached members that are not Ready in time. Their cluster stays Ready. */
export async function failLateMembers(
  { store, clock, logger }: Pick<ClusterDependencies, "store" | "clock" | "logger">,
  { clusterId }: { clusterId: string },
): Promise<void> {
  const late: string[] = [];
  await changeCluster({ store, clusterId }, async (cluster) => {
    late.length = 0;
    const at = clock.now();
    if (cluster.state !== "ready" || cluster.joinBy === undefined || at < cluster.joinBy) return undefined;
    const joining = (await store.members(clusterId)).filter(isJoining);
    const failed = joining
      .filter(({ joinBy = at }) => joinBy <= at)
      .map((member) => {
        const error = `Not a Ready node in time: ${describeMissing(toPeerReport(member, at))}`;
        late.push(error);
        return failMember(member, { phase: member.phase ?? "launch", error });
      });
    const waiting = joining.flatMap(({ joinBy = at }) => (joinBy > at ? [joinBy] : []));
    return {
      clusters: [withJoinBy(cluster, waiting)],
      members: failed,
      events: failed.map((member) => memberEvent(member, { at, message: member.failure?.error ?? "" })),
    };
  });
  for (const error of late) logger.warn("An attached node is late", { clusterId, error });
}

const withJoinBy = (cluster: ClusterRecord, waiting: readonly number[]): ClusterRecord =>
  waiting.length === 0 ? withoutJoinBy(cluster) : { ...cluster, joinBy: Math.min(...waiting) };
