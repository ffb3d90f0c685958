import type { Phase } from "#api/phase.ts";
import { BootstrapError, type FailureCode, toBootstrapError } from "../errors.ts";
import type { Step } from "./plan.ts";
import type { Reporter } from "./report.ts";

export type StepAction = (signal: AbortSignal) => Promise<void>;

interface RunStepsOptions {
  actions: Record<string, StepAction>;
  reporter: Reporter;
  /** The one deadline of the bring-up. */
  signal: AbortSignal;
  /** From outside, such as SIGTERM at a reboot. It ends everything without a verdict, and the next run continues. */
  interrupted?: AbortSignal;
  /** Called before a failure becomes the verdict. It waits while the machine shuts down, until `interrupted`. */
  outlastShutdown?: () => Promise<void>;
  /** Monotonic milliseconds. */
  now?: () => number;
}

/** The code of errors that have none, by phase. */
const codeOf: Partial<Record<Phase, FailureCode>> = {
  preflight: "preflight",
  claim: "server-unreachable",
  confirm: "server-unreachable",
  render: "invalid-input",
};

interface Failure {
  error: BootstrapError;
  step: Step;
  startedAt: number;
  atDeadline: boolean;
}

/**
 * Runs every step once those that it depends on are done. The first failure ends the others, is reported last and
 * thrown. An optional step's failure is only reported. A background step ends with the others. The deadline ends all
 * steps at the same moment; the failure is then that of the first step in the plan, which the others waited for.
 */
export async function runSteps(steps: readonly Step[], options: RunStepsOptions): Promise<void> {
  const { actions, reporter, interrupted, now = () => performance.now() } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal, ...(interrupted ? [interrupted] : [])]);
  const othersDone = new AbortController();
  const backgroundSignal = AbortSignal.any([signal, othersDone.signal]);
  const done = new Map<Phase, Promise<boolean>>();
  let first: Failure | undefined;

  async function runStep(step: Step): Promise<boolean> {
    const before = await Promise.all(step.after.map(async (phase) => done.get(phase)));
    if (before.includes(false) || signal.aborted) return false;
    const startedAt = now();
    reporter.report(step.phase, "started");
    try {
      const action = actions[step.phase];
      if (action === undefined) throw new Error(`no action for step ${step.phase}`);
      await action(step.background ? backgroundSignal : signal);
      reporter.report(step.phase, "done", { durationMs: now() - startedAt });
      return true;
    } catch (thrown) {
      const error = toBootstrapError(thrown, codeOf[step.phase] ?? "kubernetes");
      if (interrupted?.aborted) return false;
      if (step.optional) reporter.report(step.phase, "failed", { durationMs: now() - startedAt, error });
      else {
        const failure = { error, step, startedAt, atDeadline: options.signal.aborted };
        if (first === undefined || (first.atDeadline && steps.indexOf(step) < steps.indexOf(first.step)))
          first = failure;
        stop.abort();
      }
      return false;
    }
  }

  for (const step of steps) {
    for (const phase of step.after)
      if (!done.has(phase)) throw new Error(`step ${step.phase} comes before ${phase}, on which it depends`);
    done.set(step.phase, runStep(step));
  }
  await Promise.all(steps.filter(({ background }) => !background).map(async ({ phase }) => done.get(phase)));
  othersDone.abort();
  await Promise.all(done.values());
  if (first !== undefined) await options.outlastShutdown?.();
  throwIfInterrupted(interrupted);
  if (first !== undefined) {
    const { step, error, startedAt } = first;
    reporter.report(step.phase, "failed", { durationMs: now() - startedAt, error, final: true });
    throw error;
  }
  if (options.signal.aborted)
    throw new BootstrapError("kubernetes", "Cannot finish: the deadline passed between two steps");
}

/** Throws BootstrapError `interrupted`. */
export function throwIfInterrupted(interrupted: AbortSignal | undefined): void {
  if (interrupted?.aborted)
    throw new BootstrapError("interrupted", "Cannot finish: it was interrupted; run it again to continue");
}
