import type { AllocationRecord } from "../journal/allocation.ts";

/** What each part of a reset works with. */
export interface ResetContext {
  root: string;
  signal: AbortSignal;
  /** The record of the allocation that is given up, if it can be read. */
  record: AllocationRecord | undefined;
  /** Throws BootstrapError `kubernetes`. */
  exec: (command: readonly [string, ...string[]], input?: string) => Promise<string>;
  /** Runs a program whose failure means that there was nothing to do. Returns whether it succeeded. */
  attempt: (command: readonly [string, ...string[]]) => Promise<boolean>;
}
