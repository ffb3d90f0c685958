import type { Cluster, ClusterState } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import type { MemberState } from "#api/member.ts";
import type { Role } from "#api/name.ts";
import type { Phase, PhaseState } from "#api/phase.ts";
import type { WaitCondition } from "#api/wait.ts";

/** A step of a machine, in milliseconds since the epoch by the server's clock. */
interface Span {
  phase: Phase;
  state: PhaseState;
  startedAt: number;
  endedAt: number | null;
}

export interface TimelineRow {
  name: string;
  role: Role;
  state: MemberState;
  launchedAt: number | null;
  spans: readonly Span[];
  /** When the machine became ready or failed. */
  settledAt: number | null;
  /** The first error; later ones do not replace it. */
  error: string | null;
}

export interface Timeline {
  cluster: string;
  state: ClusterState;
  startedAt: number;
  /** When the cluster became ready or failed. */
  settledAt: number | null;
  failure: string | null;
  rows: readonly TimelineRow[];
  alerts: readonly string[];
}

/** Returns the empty timeline of a cluster, to which all its events are applied. */
export const createTimeline = (cluster: Cluster): Timeline => ({
  cluster: cluster.name,
  state: "pending",
  startedAt: Date.parse(cluster.createdAt),
  settledAt: null,
  failure: null,
  rows: cluster.members.map(({ name, role }) => ({
    name,
    role,
    state: "pending",
    launchedAt: null,
    spans: [],
    settledAt: null,
    error: null,
  })),
  alerts: [],
});

export function applyEvent(timeline: Timeline, event: Event): Timeline {
  const at = Date.parse(event.at);
  switch (event.type) {
    case "cluster":
      return {
        ...timeline,
        state: event.state,
        settledAt: timeline.settledAt ?? (event.state === "ready" || event.state === "failed" ? at : null),
        failure: timeline.failure ?? (event.state === "failed" ? (event.message ?? "no reason given") : null),
      };
    case "member":
      return updateRow(timeline, event.member, (row) => ({
        ...row,
        state: event.state,
        launchedAt: row.launchedAt ?? (event.state === "launched" ? at : null),
        settledAt: row.settledAt ?? (event.state === "ready" || event.state === "failed" ? at : null),
        error: row.error ?? (event.state === "failed" ? (event.message ?? null) : null),
      }));
    case "phase":
      return updateRow(timeline, event.member, (row) => ({
        ...row,
        spans: applyPhase(row.spans, event, at),
        error: row.error ?? event.error ?? null,
      }));
    case "cloud-init":
      // These come before the machine's steps, which show the result.
      return timeline;
    default:
      return { ...timeline, alerts: [...timeline.alerts, `${shortName(event.member)}: ${event.message}`] };
  }
}

function updateRow(timeline: Timeline, name: string, update: (row: TimelineRow) => TimelineRow): Timeline {
  return { ...timeline, rows: timeline.rows.map((row) => (row.name === name ? update(row) : row)) };
}

function applyPhase(spans: readonly Span[], event: Event & { type: "phase" }, at: number): readonly Span[] {
  const known = spans.find((span) => span.phase === event.phase);
  if (event.state === "started")
    return known ? spans : [...spans, { phase: event.phase, state: "started", startedAt: at, endedAt: null }];
  // The node's measurement is better: both reports of a short step often arrive together, or late.
  const startedAt = event.durationMs === undefined ? (known?.startedAt ?? at) : at - event.durationMs;
  const ended: Span = { phase: event.phase, state: event.state, startedAt, endedAt: at };
  return known ? spans.map((span) => (span === known ? ended : span)) : [...spans, ended];
}

/** Returns a machine's current step, or its last one. */
export const currentSpan = (row: TimelineRow): Span | undefined => {
  const spans = row.spans.filter(isOwnTime);
  return spans.findLast((span) => span.endedAt === null) ?? spans.at(-1);
};

/** Probing the peers runs in parallel with the other steps, so it takes none of the machine's time. */
const isOwnTime = ({ phase }: Span) => phase !== "peers";

/** Returns the proof that the cluster is available, which one machine makes once all are ready. */
export const findProof = (timeline: Timeline): Span | undefined =>
  timeline.rows.flatMap((row) => row.spans).find(({ phase }) => phase === "available");

/** Whether the timeline shows everything up to the condition. */
export function hasEnded(timeline: Timeline, condition: Exclude<WaitCondition, "deleted">): boolean {
  if (timeline.settledAt === null) return false;
  if (condition === "ready" || timeline.failure !== null) return true;
  return (findProof(timeline)?.endedAt ?? null) !== null;
}

/** Returns `cp01` of `cp01.build126.sprout.internal`. */
export const shortName = (name: string): string => name.split(".", 1)[0] ?? name;

/** A part of a machine's time; `boot` is from its launch to its first step. */
export interface Piece {
  phase: Phase | "boot";
  failed: boolean;
  from: number;
  to: number;
}

/** Returns a machine's time up to `now`, in order. */
export function toPieces(row: TimelineRow, now: number): Piece[] {
  const pieces: Piece[] = row.spans.filter(isOwnTime).map((span) => ({
    phase: span.phase,
    failed: span.state === "failed",
    from: span.startedAt,
    to: span.endedAt ?? now,
  }));
  if (row.launchedAt !== null)
    pieces.unshift({
      phase: "boot",
      failed: false,
      from: row.launchedAt,
      to: row.spans[0]?.startedAt ?? row.settledAt ?? now,
    });
  return pieces;
}

export interface SlowestStep {
  member: string;
  phase: Phase | "boot";
  durationMs: number;
}

/**
 * Returns the step that took most of the time from creation to Ready. The first control plane's steps count; of the
 * other machines only what it waits for in its proof, because a worker's wait for the API server costs nothing.
 */
export function findSlowestStep(timeline: Timeline): SlowestStep | null {
  const [first, ...others] = timeline.rows;
  if (!first) return null;
  const end = timeline.settledAt ?? Infinity;
  const toSteps = (row: TimelineRow, from: number, to: number): SlowestStep[] =>
    toPieces(row, Math.min(to, lastEnd(timeline))).map((piece) => ({
      member: row.name,
      phase: piece.phase,
      durationMs: Math.min(piece.to, to) - Math.max(piece.from, from),
    }));
  const proof = first.spans.find((span) => span.phase === "verify");
  const steps = toSteps(first, 0, proof?.startedAt ?? end);
  if (proof) {
    const awaited = others.flatMap((row) => toSteps(row, proof.startedAt, proof.endedAt ?? end));
    const longestMs = Math.max(0, ...awaited.map((step) => step.durationMs));
    const proofMs = Math.min(proof.endedAt ?? end, lastEnd(timeline)) - proof.startedAt - longestMs;
    steps.push(...awaited, { member: first.name, phase: "verify", durationMs: proofMs });
  }
  const slowest = steps.toSorted((a, b) => b.durationMs - a.durationMs)[0];
  return slowest && slowest.durationMs > 0 ? slowest : null;
}

/** Returns when the last finished step ended. */
export const lastEnd = (timeline: Timeline): number =>
  Math.max(
    timeline.startedAt,
    ...timeline.rows.flatMap((row) => row.spans.filter(isOwnTime).map((span) => span.endedAt ?? 0)),
  );
