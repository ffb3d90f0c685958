import type { MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import type { Origin } from "./audit.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failCluster, failMember, isComingUp, memberEvent, toTime } from "./lifecycle.ts";

export interface Alert {
  member: Pick<MemberRecord, "clusterId" | "name">;
  code: string;
  message: string;
  /** Hand out nothing more to anybody; a node that has confirmed its credentials needs the capability no more and goes on. */
  freeze: boolean;
  /** Who was refused. */
  by: Origin;
}

/** On the cluster's timeline, in the log and in the metrics. A member is frozen once; repeats only log and count. */
export async function raiseAlert(deps: ClusterDependencies, alert: Alert): Promise<void> {
  const { code, message, freeze } = alert;
  const { clusterId, name } = alert.member;
  const refusal = { ...alert.by, clusterId, member: name, detail: `${code}: ${message}` };
  const audit = deps.refusals.take(refusal, deps.clock.now());
  deps.observer.alert(code);
  deps.logger.warn("Alert", { code, clusterId, member: name, message });
  await decide(deps.store, async () => {
    const [current, cluster] = await Promise.all([deps.store.member(clusterId, name), deps.store.cluster(clusterId)]);
    if (current === undefined || cluster === undefined || current.frozen)
      return { ...(audit.length > 0 && { changes: { audit } }), result: undefined };
    const at = deps.clock.now();
    const event = { clusterId, event: { type: "alert" as const, at: toTime(at), member: name, code, message } };
    if (!freeze || current.confirmedAt !== null) return { changes: { events: [event], audit }, result: undefined };
    const frozen = failMember({ ...current, frozen: true }, { phase: current.phase ?? "metadata", error: message });
    const changes: Changes = { members: [frozen], events: [event, memberEvent(frozen, { at, message })], audit };
    if (current.first && isComingUp(cluster)) {
      const failed = failCluster(cluster, { failure: { message }, at });
      changes.clusters = failed.clusters;
      changes.events?.push(...failed.events);
    }
    return { changes, result: undefined };
  });
}
