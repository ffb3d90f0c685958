import type { Phase, PhaseState } from "#api/phase.ts";
import { isPhaseEntry } from "./journal/entry.ts";
import type { Past } from "./journal/past.ts";
import { isSameBoot, type Stamp } from "./journal/stamp.ts";
import { toNodeKind } from "./plan.ts";

/**
 * Where a run starts from:
 * `begin`: nothing is confirmed. The server is asked again for everything; it answers this machine the same.
 * `go-on`: the server may have destroyed its copy. Document and credentials come from disk, the steps converge.
 * `restart`: this node is done. What a reboot stopped is started; no proof, no deadline.
 */
export type Resume =
  | { mode: "begin" }
  | { mode: "go-on"; isConfirmed: boolean }
  | { mode: "restart"; isProofPending: boolean };

/** Pure. Of `Past`, which is this very allocation's. */
export function decideResume({ record, entries, reportToken }: Omit<Past, "bytes">): Resume {
  const has = (phase: Phase, ...states: PhaseState[]) =>
    entries.some((entry) => isPhaseEntry(entry) && entry.phase === phase && states.includes(entry.state));
  if (has("verify", "done")) {
    const isProofPending = toNodeKind(record.metadata) === "first-control-plane" && !has("available", "done", "failed");
    return { mode: "restart", isProofPending };
  }
  // Started means that everything it needs was on disk first.
  const isConfirmed = reportToken !== undefined || has("confirm", "done");
  if (isConfirmed || has("confirm", "started")) return { mode: "go-on", isConfirmed };
  return { mode: "begin" };
}

export interface Remaining {
  remainingMs: number;
  /** The monotonic clock starts again with each boot: across one there is only the other. */
  clock: "monotonic" | "wall";
}

/** What is left of the one deadline; never less than nothing and never more than all of it, whatever a clock says. */
export function remainingTime({ record }: Pick<Past, "record">, now: Stamp): Remaining {
  const { received, metadata } = record;
  const totalMs = metadata.deadlineSeconds * 1000;
  const clock = isSameBoot(received, now) ? "monotonic" : "wall";
  const passedMs =
    clock === "monotonic" ? now.monotonicMs - received.monotonicMs : Date.parse(now.time) - Date.parse(received.time);
  return { remainingMs: Math.min(totalMs, Math.max(0, totalMs - passedMs)), clock };
}
