import type { PhaseRecord } from "#api/member.ts";
import { isOptional } from "#api/phase.ts";
import type { Report } from "#api/report.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { toRefused, wrongMachine } from "./admission.ts";
import { auditAllowed, byNode } from "./audit.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failMember, memberEvent, toTime } from "./lifecycle.ts";
import { judgeReport } from "./verdict.ts";

/** A report that was on its way while the claim was confirmed still carries the capability. */
const inFlightMs = 5000;

export interface Reporter {
  tokenHash: string;
  /** Address of its connection. */
  from: string | null;
  report: Report;
}

/**
 * One step of one node, onto the timeline; where it decides the cluster, that too. A repeated or overtaken sequence
 * changes nothing; a gap is a lost report and no reason to lose this one. Throws DomainError `wrong-machine` or `already-claimed`.
 */
export async function acceptReport(deps: ClusterDependencies, { tokenHash, from, report }: Reporter): Promise<void> {
  const accepted = await decide(deps.store, async () => {
    const member = await findReporter(deps, { tokenHash, report });
    if (member.allocation !== report.allocation) throw wrongMachine(member);
    if (report.sequence <= member.lastSequence) return { result: undefined };
    const cluster = await deps.store.cluster(member.clusterId);
    if (cluster === undefined) throw wrongMachine(member);
    const at = deps.clock.now();
    const isFirstUse = member.reportTokenHash === tokenHash && member.reportTokenUsedAt === null;
    const record = recordReport(isFirstUse ? { ...member, reportTokenUsedAt: at } : member, { report, at });
    const members = isFatal(report) && member.first ? await deps.store.members(cluster.id) : [];
    const judged = judgeReport(cluster, { member: record, report, at, members });
    const verdict = await withReadyMembers(deps, { verdict: judged, at });
    return {
      changes: {
        ...reportChanges({ before: member, record, report, verdict, at }),
        ...(isFirstUse && { audit: [auditFirstReport(member, { at, from })] }),
      },
      result: { cluster, record, verdict },
    };
  });
  if (accepted !== undefined) observe(deps, { ...accepted, report });
}

/** With the capability until it is spent, with the report token from then on: that alone carries the proof. */
async function findReporter(
  deps: ClusterDependencies,
  { tokenHash, report }: Pick<Reporter, "tokenHash" | "report">,
): Promise<MemberRecord> {
  const member = await deps.store.memberByTokenHash(tokenHash);
  if (member === undefined) throw wrongMachine();
  if (member.reportTokenHash === tokenHash) return member;
  if (member.frozen || isProof(report)) throw wrongMachine(member);
  const spentForMs = member.confirmedAt === null ? 0 : deps.clock.now() - member.confirmedAt;
  if (spentForMs > inFlightMs)
    throw new DomainError("already-claimed", "This capability is spent: reports need the report token", {
      refused: toRefused(member),
    });
  return member;
}

/** What makes a cluster `ready` or `available`; a node gets there with its credentials confirmed. */
const isProof = ({ phase, state }: Report) => state === "done" && (phase === "verify" || phase === "available");

const auditFirstReport = (member: MemberRecord, { at, from }: { at: number; from: string | null }) =>
  auditAllowed(byNode(member, from), {
    action: "report-token-use",
    at,
    clusterId: member.clusterId,
    member: member.name,
  });

function recordReport(member: MemberRecord, { report, at }: { report: Report; at: number }): MemberRecord {
  const { phase, state, durationMs, error } = report;
  const entry: PhaseRecord = {
    phase,
    state,
    at: toTime(at),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(error === undefined ? {} : { error }),
  };
  const known = member.phases.some((record) => record.phase === phase);
  const phases = known
    ? member.phases.map((record) => (record.phase === phase ? entry : record))
    : [...member.phases, entry];
  const record: MemberRecord = {
    ...member,
    // How far the machine is, not what goes on beside that.
    phase: phase === "peers" ? member.phase : phase,
    phases,
    lastSequence: report.sequence,
    lastReportAt: at,
  };
  return isFatal(report) ? withFailure(record, report) : record;
}

const isFatal = ({ state, phase }: Report) => state === "failed" && !isOptional(phase);

function withFailure(member: MemberRecord, { phase, error, exitCode, logTail }: Report): MemberRecord {
  const failed = failMember(member, {
    phase,
    error: error ?? "failed without saying why",
    ...(logTail === undefined ? {} : { logTail }),
  });
  if (exitCode === undefined || failed.failure === null) return failed;
  return { ...failed, failure: { ...failed.failure, exitCode } };
}

function reportChanges(decided: {
  before: MemberRecord;
  record: MemberRecord;
  report: Report;
  verdict: Changes | undefined;
  at: number;
}): Changes {
  const { before, record, report, verdict, at } = decided;
  const { phase, state, durationMs, error } = report;
  const phaseEvent = {
    clusterId: record.clusterId,
    event: {
      type: "phase" as const,
      at: toTime(at),
      member: record.name,
      phase,
      state,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(error === undefined ? {} : { error }),
    },
  };
  const failed = record.state === "failed" && before.state !== "failed";
  const memberEvents = failed ? [memberEvent(record, { at, message: record.failure?.error ?? "" })] : [];
  return { ...verdict, members: [record], events: [phaseEvent, ...memberEvents, ...(verdict?.events ?? [])] };
}

/** The proof covers every member; that each is ready is kept once, in the cluster's record, and told on the timeline. */
async function withReadyMembers(
  { store }: ClusterDependencies,
  { verdict, at }: { verdict: Changes | undefined; at: number },
): Promise<Changes | undefined> {
  const cluster = verdict?.clusters?.[0];
  if (cluster?.state !== "ready" || cluster.readyAt !== at) return verdict;
  const members = await store.members(cluster.id);
  const ready = members.map((member) => memberEvent({ ...member, state: "ready" }, { at }));
  return { ...verdict, events: [...ready, ...(verdict?.events ?? [])] };
}

function observe(
  { observer }: ClusterDependencies,
  accepted: { cluster: ClusterRecord; record: MemberRecord; verdict: Changes | undefined; report: Report },
): void {
  const { cluster, record, verdict, report } = accepted;
  if (report.state === "done" && report.durationMs !== undefined)
    observer.phaseDone(report.phase, { role: record.role, seconds: report.durationMs / 1000 });
  const decided = verdict?.clusters?.[0];
  if (decided?.state === "ready" && decided.readyAt !== null && cluster.readyAt === null)
    observer.clusterReady((decided.readyAt - decided.createdAt) / 1000);
}
