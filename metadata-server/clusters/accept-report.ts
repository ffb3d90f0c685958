import type { PhaseRecord } from "#api/member.ts";
import { isOptional } from "#api/phase.ts";
import type { Report } from "#api/report.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { requireGivenAddress, wrongMachine } from "./admission.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { failMember, memberEvent, toTime, withoutJoinBy } from "./lifecycle.ts";
import { firstUse } from "./report-token.ts";
import { alertSpent, refuseSpent } from "./spent-capability.ts";
import type { Repeat } from "./repeat-limiter.ts";
import { judgeReport } from "./verdict.ts";

/** A report that was sent while the claim was confirmed still carries the capability. */
const inFlightMs = 5000;
/** Reports of one allocation that are all on the timeline; a bring-up has fewer than 100. */
const mostReports = 1000;

interface ReceivedReport {
  tokenHash: string;
  /** Address of its connection. */
  from: string | null;
  report: Report;
}

/**
 * Puts a node's report on the timeline, with what it decides for the cluster. A sequence that was seen before changes
 * nothing. After a gap, in which reports were lost, this one still counts. Throws DomainError `wrong-machine` or
 * `already-claimed`.
 */
export async function acceptReport(
  deps: ClusterDependencies,
  { tokenHash, from, report }: ReceivedReport,
): Promise<void> {
  const accepted = await decide(deps.store, async () => {
    const member = await findReporter(deps, { tokenHash, from, report });
    if (member.allocation !== report.allocation) throw wrongMachine(member);
    const use = firstUse(member, { tokenHash, from, at: deps.clock.now() });
    if (report.sequence <= member.lastSequence)
      return { ...(use && { changes: { members: [use.member], audit: [use.audit] } }), result: undefined };
    const cluster = await deps.store.cluster(member.clusterId);
    if (cluster === undefined) throw wrongMachine(member);
    const at = deps.clock.now();
    const record = recordReport(use?.member ?? member, { report, at });
    const members = isFatal(report) && member.first ? await deps.store.members(cluster.id) : [];
    const judged = judgeReport(cluster, { member: record, report, at, members });
    const verdict = await withReadyMembers(deps, { verdict: judged, at });
    const repeat = takeReport(deps, { member, report, at });
    return {
      changes: {
        ...reportChanges({ cluster, before: member, record, phaseEvents: repeat.trace.events ?? [], verdict, at }),
        ...(use && { audit: [use.audit] }),
      },
      result: { cluster, record, verdict, repeat },
    };
  });
  if (accepted === undefined) return;
  accepted.repeat.count();
  observe(deps, { ...accepted, report });
}

/** The report on the timeline. A node could empty the timeline with reports, so late ones are counted. */
function takeReport(
  { repeats }: ClusterDependencies,
  { member, report, at }: { member: MemberRecord; report: Report; at: number },
): Repeat {
  const event = { type: "phase" as const, member: member.name, ...toPhaseRecord(report, at) };
  const trace = { events: [{ clusterId: member.clusterId, event }] };
  if (report.sequence <= mostReports) return { trace, count: () => undefined };
  return repeats.take(`report ${member.allocation}`, { at, trace: () => trace });
}

/** Finds the member by its capability until that is spent, then by its report token. Only the token can prove. */
async function findReporter(
  deps: ClusterDependencies,
  { tokenHash, from, report }: ReceivedReport,
): Promise<MemberRecord> {
  const member = await deps.store.memberByKey(tokenHash);
  if (member === undefined) throw wrongMachine();
  if (member.reportTokenHash === tokenHash) return member;
  await requireGivenAddress(deps, { member, from });
  const spentForMs = member.confirmedAt === null ? 0 : deps.clock.now() - member.confirmedAt;
  const isLate = spentForMs > inFlightMs;
  const use = { member, from, message: `A report of ${member.name} came with its spent capability` };
  if (member.frozen || isProof(report)) {
    if (isLate) await alertSpent(deps, use);
    throw wrongMachine(member, { isRecorded: isLate });
  }
  if (isLate)
    throw await refuseSpent(deps, { ...use, detail: "This capability is spent; send reports with the report token" });
  return member;
}

/** Reports that make a cluster `ready` or `available`. The node has confirmed its credentials by then. */
const isProof = ({ phase, state }: Report) => state === "done" && (phase === "verify" || phase === "available");

function recordReport(member: MemberRecord, { report, at }: { report: Report; at: number }): MemberRecord {
  const { phase } = report;
  const entry = toPhaseRecord(report, at);
  const known = member.phases.some((record) => record.phase === phase);
  const phases = known
    ? member.phases.map((record) => (record.phase === phase ? entry : record))
    : [...member.phases, entry];
  const record: MemberRecord = {
    ...member,
    // Peers are checked in parallel with the other phases, so this one is no progress.
    phase: phase === "peers" ? member.phase : phase,
    phases,
    lastSequence: report.sequence,
    lastReportAt: at,
  };
  if (isFatal(report)) return withFailure(record, report);
  // From then on it is as the members that the proof covered.
  return hasJoined(member, report) ? { ...withoutJoinBy(record), state: "ready" } : record;
}

/** Whether this report says that an attached node is Ready, which no proof of the cluster covers. */
const hasJoined = ({ joinBy, state }: MemberRecord, { phase, state: reported }: Report) =>
  joinBy !== undefined && state === "bootstrapping" && phase === "verify" && reported === "done";

const toPhaseRecord = ({ phase, state, durationMs, error }: Report, at: number): PhaseRecord => ({
  phase,
  state,
  at: toTime(at),
  ...(durationMs === undefined ? {} : { durationMs }),
  ...(error === undefined ? {} : { error }),
});

const isFatal = ({ state, phase }: Report) => state === "failed" && !isOptional(phase);

function withFailure(member: MemberRecord, { phase, error, exitCode, logTail }: Report): MemberRecord {
  const failed = failMember(member, {
    phase,
    error: error ?? "failed without a reason",
    ...(logTail === undefined ? {} : { logTail }),
  });
  if (exitCode === undefined || failed.failure === null) return failed;
  return { ...failed, failure: { ...failed.failure, exitCode } };
}

function reportChanges(decided: {
  cluster: ClusterRecord;
  before: MemberRecord;
  record: MemberRecord;
  phaseEvents: NonNullable<Changes["events"]>;
  verdict: Changes | undefined;
  at: number;
}): Changes {
  const { cluster, before, record, phaseEvents, verdict, at } = decided;
  const failed = record.state === "failed" && before.state !== "failed";
  const joined = record.state === "ready" && before.state !== "ready";
  const memberEvents = failed ? [memberEvent(record, { at, message: record.failure?.error ?? "" })] : [];
  if (joined) memberEvents.push(memberEvent(record, { at }));
  return {
    ...verdict,
    ...(joined && record.role === "control-plane" && { clusters: [withControlPlane(cluster, record)] }),
    members: [record],
    events: [...phaseEvents, ...memberEvents, ...(verdict?.events ?? [])],
  };
}

/** From now on it serves as the others do: kubeconfigs and further nodes get its address. */
const withControlPlane = (cluster: ClusterRecord, { name, address }: MemberRecord): ClusterRecord => ({
  ...cluster,
  controlPlanes: [...cluster.controlPlanes, { name, address }],
});

/**
 * Adds an event for each member to the proof, which covers them all. Their records stay: the cluster's record has it.
 */
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
