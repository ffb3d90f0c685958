import type { PhaseRecord } from "#api/member.ts";
import { isOptional } from "#api/phase.ts";
import type { MissingPeer, Report } from "#api/report.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { canBecome, clusterEvent, failCluster, isComingUp, transition } from "./lifecycle.ts";

/** Returns what a report changes in its cluster. Only the first control plane, which holds the proof, decides. */
export function judgeReport(
  cluster: ClusterRecord,
  { member, report, at, members }: { member: MemberRecord; report: Report; at: number; members: MemberRecord[] },
): Changes | undefined {
  if (!member.first) return undefined;
  if (report.phase === "available") return judgeAvailable(cluster, { report, at });
  if (isOptional(report.phase)) return undefined;
  if (report.state === "failed" && isComingUp(cluster))
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
  const causes = describeCauses(members);
  if (missing === undefined || missing.length === 0)
    return { message: `${member.name} failed in phase ${phase}: ${error ?? "no reason given"}${causes}` };
  return { message: `Peers missing at the deadline: ${missing.map(describeMissing).join(", ")}${causes}`, missing };
}

const maxNamed = 3;

/** Describes reports that explain why peers are missing, for the end of a sentence. Empty without such reports. */
export function describeCauses(members: readonly MemberRecord[]): string {
  const blocked = members.flatMap(({ phases }) => blockedPairs(phases) ?? []);
  const neverBegun = members.flatMap((member) => brokenCloudInit(member) ?? []);
  return (
    listCauses("blocked", blocked, (count) => `reports of ${count} more nodes`) +
    listCauses("cloud-init failed", neverBegun, (count) => `${count} more`)
  );
}

function listCauses(heading: string, found: readonly string[], others: (count: number) => string): string {
  if (found.length === 0) return "";
  const hidden = found.length > maxNamed ? ` | and ${others(found.length - maxNamed)}` : "";
  return `; ${heading}: ${found.slice(0, maxNamed).join(" | ")}${hidden}`;
}

/** Blocked pairs that a node named in its phase `peers`. */
const blockedPairs = (phases: readonly PhaseRecord[]): string | undefined =>
  phases.find(({ phase, state }) => phase === "peers" && state === "failed")?.error;

/** Errors of cloud-init, from every stage, of a machine that never called. */
function brokenCloudInit({ name, firstContactAt, cloudInit = [] }: MemberRecord): string | undefined {
  const errors = cloudInit.flatMap(({ state, error }) => (state === "failed" && error ? [error] : []));
  return firstContactAt === null && errors.length > 0 ? `${name}: ${errors.join(", ")}` : undefined;
}

/** Returns text such as `node02.build126.example (last phase kubelet, 12 s ago)`. */
export function describeMissing({ name, lastPhase, lastReportAgoMs }: MissingPeer): string {
  if (lastReportAgoMs === null) return `${name} (never called)`;
  return `${name} (last phase ${lastPhase}, ${Math.round(lastReportAgoMs / 1000)} s ago)`;
}
