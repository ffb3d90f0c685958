import type { SurveyedMachine } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes, Store } from "../store/store.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failCluster, failMember, isComingUp, memberEvent, toTime } from "./lifecycle.ts";

const code = "machine-ended";

/** A machine that ended by itself: its member has failed, and so has a cluster that cannot go on without it. Told once. */
export async function recordEnded(
  { store, clock, logger, observer }: ClusterDependencies,
  { member: { clusterId, name }, machine }: { member: MemberRecord; machine: SurveyedMachine },
): Promise<void> {
  const message = `Machine ${machine.id} of ${name} has ended: ${machine.ended}`;
  const isNews = await decide(store, async () => {
    const [cluster, member] = await Promise.all([store.cluster(clusterId), store.member(clusterId, name)]);
    if (cluster === undefined || member === undefined || member.endedAt !== undefined) return { result: false };
    if (cluster.state === "deleting" || cluster.state === "deleted") return { result: false };
    const at = clock.now();
    const failed = failMember({ ...member, endedAt: at }, { phase: member.phase ?? "launch", error: message });
    const alert = { type: "alert" as const, at: toTime(at), member: name, code, message };
    const events: NonNullable<Changes["events"]> = [{ clusterId, event: alert }, memberEvent(failed, { at, message })];
    const reason = await whyOver(store, { cluster, member, message });
    if (reason === undefined) return { changes: { members: [failed], events }, result: true };
    const over = failCluster(cluster, { failure: { message: reason }, at });
    return { changes: { ...over, members: [failed], events: [...events, ...over.events] }, result: true };
  });
  if (!isNews) return;
  observer.alert(code);
  logger.warn("A machine has ended", { clusterId, member: name, machine: machine.id, reason: machine.ended });
}

/** Kubernetes goes on without a worker; etcd only with most of its members, and one that has ended brings no data back. */
async function whyOver(
  store: Store,
  { cluster, member, message }: { cluster: ClusterRecord; member: MemberRecord; message: string },
): Promise<string | undefined> {
  if (isComingUp(cluster)) return message;
  if (cluster.state !== "ready" || member.role !== "control-plane") return undefined;
  const names = cluster.controlPlanes.map(({ name }) => name);
  const others = names.filter((name) => name !== member.name);
  const found = await Promise.all(others.map((name) => store.member(cluster.id, name)));
  const left = found.filter((other) => other !== undefined && other.endedAt === undefined).length;
  if (left > names.length / 2) return undefined;
  return `${message}; of ${names.length} control planes ${left} are left, too few for etcd and the API server; create the cluster anew`;
}
