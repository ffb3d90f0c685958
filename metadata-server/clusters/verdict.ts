import type { PhaseRecord } from "#api/member.ts";
import { isOptional } from "#api/phase.ts";
import type { MissingPeer, Report } from "#api/report.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { canBecome, clusterEvent, failCluster, transition } from "./lifecycle.ts";

/** What a report decides about its cluster: only the first control plane, which holds the proof, decides anything. */
export function judgeReport(
  cluster: ClusterRecord,
  { member, report, at, members }: { member: MemberRecord; report: Report; at: number; members: MemberRecord[] },
): Changes | undefined {
  if (!member.first) return undefined;
  if (report.phase === "available") return judgeAvailable(cluster, { report, at });
  if (isOptional(report.phase)) return undefined;
  if (report.state === "failed" && canBecome(cluster, "failed"))
    return failCluster(cluster, { failure: toFailure(member, { report, members }), at });
  if (report.phase === "verify" && report.state === "done" && canBecome(cluster, "ready"))
    return transition(cluster, { to: "ready", at, fields: { readyAt: at } });
  return undefined;
}

function judgeAvailable(cluster: ClusterRecord, { report, at }: { report: Report; at: number }): Changes | undefined {
  if (report.state !== "done" || cluster.availableAt !== null || cluster.state !== "ready") return undefined;
  const message = "A pod answers on every node";
  return {
    clusters: [{ ...cluster, availableAt: at }],
    events: [clusterEvent(cluster.id, { state: cluster.state, at, message })],
  };
}

function toFailure(member: MemberRecord, { report, members }: { report: Report; members: MemberRecord[] }) {
  const { phase, error, missing } = report;
  const blocked = describeBlocked(members);
  if (missing === undefined || missing.length === 0)
    return { message: `${member.name} failed in phase ${phase}: ${error ?? "no reason given"}${blocked}` };
  return { message: `Peers missing at the deadline: ${missing.map(describeMissing).join(", ")}${blocked}`, missing };
}

const maxBlocked = 3;

/** What nodes have found of each other, for the end of a sentence; empty where every way is open. */
export function describeBlocked(members: readonly MemberRecord[]): string {
  const found = members.flatMap(({ phases }) => blockedPairs(phases) ?? []);
  if (found.length === 0) return "";
  const hidden = found.length > maxBlocked ? ` | and what ${found.length - maxBlocked} more nodes found` : "";
  return `; blocked: ${found.slice(0, maxBlocked).join(" | ")}${hidden}`;
}

/** The pairs that a node has named in its phase `peers`. */
const blockedPairs = (phases: readonly PhaseRecord[]): string | undefined =>
  phases.find(({ phase, state }) => phase === "peers" && state === "failed")?.error;

/** `node02.build126.example (last phase kubelet, 12 s ago)`. */
export function describeMissing({ name, lastPhase, lastReportAgoMs }: MissingPeer): string {
  if (lastReportAgoMs === null) return `${name} (never called)`;
  return `${name} (last phase ${lastPhase}, ${Math.round(lastReportAgoMs / 1000)} s ago)`;
}
