import type { Phase } from "#api/phase.ts";
import { toBootstrapError } from "../errors.ts";
import type { Reporter } from "./report.ts";
import { throwIfInterrupted } from "./run-steps.ts";

/** Runs and reports one of the phases that come before there is a plan. Throws BootstrapError. */
export async function reportPhase<T>(
  { reporter, signal }: { reporter: Reporter; signal: AbortSignal },
  phase: Phase,
  action: () => Promise<T> | T,
): Promise<T> {
  const startedAt = performance.now();
  reporter.report(phase, "started");
  try {
    const result = await action();
    reporter.report(phase, "done", { durationMs: performance.now() - startedAt });
    return result;
  } catch (thrown) {
    throwIfInterrupted(signal);
    const error = toBootstrapError(thrown, phase === "discover" ? "invalid-input" : "server-unreachable");
    reporter.report(phase, "failed", { durationMs: performance.now() - startedAt, error, final: true });
    throw error;
  }
}
