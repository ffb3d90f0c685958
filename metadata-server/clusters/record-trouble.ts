import type { SurveyedMachine } from "../providers/provider.ts";
import type { MemberRecord } from "../store/records.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent, toTime } from "./lifecycle.ts";

const code = "machine-trouble";

/** What keeps a machine that runs from its work: on the timeline when it begins, changes and is over. */
export async function recordTrouble(
  { store, clock, logger, observer }: ClusterDependencies,
  { member: { clusterId, name }, machine }: { member: MemberRecord; machine: SurveyedMachine },
): Promise<void> {
  const { id, trouble } = machine;
  const isNews = await decide(store, async () => {
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    if (cluster === undefined || member === undefined || member.trouble === trouble) return { result: false };
    if (cluster.state === "deleting" || cluster.state === "deleted") return { result: false };
    const at = clock.now();
    const { trouble: before, ...rest } = member;
    const record = trouble === undefined ? rest : { ...rest, trouble };
    const message = `Machine ${id} of ${name}: ${trouble ?? `it is over: ${before}`}`;
    const event =
      trouble === undefined
        ? clusterEvent(clusterId, { state: cluster.state, at, message })
        : { clusterId, event: { type: "alert" as const, at: toTime(at), member: name, code, message } };
    return { changes: { members: [record], events: [event] }, result: trouble !== undefined };
  });
  if (!isNews) return;
  observer.alert(code);
  logger.warn("A machine is in trouble", { clusterId, member: name, machine: id, reason: trouble });
}
