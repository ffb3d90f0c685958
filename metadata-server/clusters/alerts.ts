import type { MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import type { Actor } from "./audit.ts";
import { changeMember } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { alertEvent, failCluster, failMember, isComingUp, memberEvent } from "./lifecycle.ts";
import { describeRepeats } from "./repeat-limiter.ts";

export interface Alert {
  member: Pick<MemberRecord, "clusterId" | "name">;
  code: string;
  message: string;
  /** Whether to hand out nothing more. A node that has confirmed its credentials needs none, and stays. */
  freeze: boolean;
  /** The refused caller. */
  by: Actor;
}

/**
 * Raises an alert on the timeline, in the log and in the metrics. A frozen member's alerts skip the timeline, and an
 * alert that freezes nothing is counted there when it is repeated.
 */
export async function raiseAlert(deps: ClusterDependencies, alert: Alert): Promise<void> {
  const { code, message, freeze } = alert;
  const { clusterId, name } = alert.member;
  const refusal = { ...alert.by, clusterId, member: name, detail: `${code}: ${message}` };
  const audit = deps.refusals.take(refusal, deps.clock.now());
  deps.observer.alert(code);
  deps.logger.warn("Alert", { code, clusterId, member: name, message });
  const isNews = await changeMember(deps.store, alert.member, ({ cluster, member }): Changes | undefined => {
    if (member.frozen) return undefined;
    const at = deps.clock.now();
    const toEvent = (times: number) => alertEvent(member, { at, code, message: describeRepeats(message, times) });
    const event = toEvent(1);
    if (!freeze || member.confirmedAt !== null) {
      const call = { at, trace: (times: number) => ({ events: [toEvent(times)] }) };
      const repeat = deps.repeats.take(`${code} ${clusterId} ${name}`, call);
      // At once: several refused calls may come together, and nothing here is decided twice.
      repeat.count();
      return repeat.trace.events && { ...repeat.trace, audit };
    }
    const frozen = failMember({ ...member, frozen: true }, { phase: member.phase ?? "metadata", error: message });
    const events = [event, memberEvent(frozen, { at, message })];
    if (!member.first || !isComingUp(cluster)) return { members: [frozen], events, audit };
    const failed = failCluster(cluster, { failure: { message }, at });
    return { clusters: failed.clusters, members: [frozen], events: [...events, ...failed.events], audit };
  });
  if (!isNews && audit.length > 0) await deps.store.commit({ audit });
}
