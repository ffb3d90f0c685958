import type { Phase, PhaseState } from "#api/phase.ts";
import { isPhaseEntry } from "../journal/entry.ts";
import type { EarlierRun } from "../journal/earlier-run.ts";
import { isSameBoot, type BootTime } from "../journal/boot-time.ts";
import { toNodeKind } from "./node-kind.ts";

/**
 * Where a run starts from.
 * `begin`: nothing is confirmed. The run asks the server for everything again; the server answers this machine the
 * same.
 * `continue`: the server may have destroyed its copy. Document and credentials come from disk, and the steps converge.
 * `restart`: this node is done. The run starts what a reboot stopped, without proof or deadline.
 */
export type Resume =
  | { mode: "begin" }
  | { mode: "continue"; isConfirmed: boolean }
  | { mode: "restart"; isProofPending: boolean };

/** Decides how to resume the earlier run of this same allocation. Pure. */
export function decideResume({ record, entries, reportToken }: Omit<EarlierRun, "bytes">): Resume {
  const has = (phase: Phase, ...states: PhaseState[]) =>
    entries.some((entry) => isPhaseEntry(entry) && entry.phase === phase && states.includes(entry.state));
  if (has("verify", "done")) {
    const isProofPending = toNodeKind(record.metadata) === "first-control-plane" && !has("available", "done", "failed");
    return { mode: "restart", isProofPending };
  }
  // Once `confirm` has started, everything that the run needs is on disk.
  const isConfirmed = reportToken !== undefined || has("confirm", "done");
  if (isConfirmed || has("confirm", "started")) return { mode: "continue", isConfirmed };
  return { mode: "begin" };
}

/** Whether the server has destroyed its copy of the credentials, and the capability is spent. */
export const isConfirmed = (resume: Resume): boolean =>
  resume.mode === "restart" || (resume.mode === "continue" && resume.isConfirmed);

interface Remaining {
  remainingMs: number;
  /** The monotonic clock restarts at each boot; across a boot only the wall clock is left. */
  clock: "monotonic" | "wall";
}

/**
 * Returns what is left of the one deadline: never negative, and never more than all of it, even if a clock is wrong.
 */
export function remainingTime({ record }: Pick<EarlierRun, "record">, now: BootTime): Remaining {
  const { received, metadata } = record;
  const totalMs = metadata.deadlineSeconds * 1000;
  const clock = isSameBoot(received, now) ? "monotonic" : "wall";
  const passedMs =
    clock === "monotonic" ? now.monotonicMs - received.monotonicMs : Date.parse(now.time) - Date.parse(received.time);
  return { remainingMs: Math.min(totalMs, Math.max(0, totalMs - passedMs)), clock };
}
