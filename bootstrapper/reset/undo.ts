import type { AllocationRecord } from "../journal/allocation.ts";

/** What each part of a reset works with. */
export interface Undo {
  root: string;
  signal: AbortSignal;
  /** Of the allocation that is given up, where it can be read. */
  record: AllocationRecord | undefined;
  /** Throws BootstrapError `kubernetes`. */
  exec: (command: readonly [string, ...string[]], input?: string) => Promise<string>;
  /** The same where failing means that there was nothing to do. Whether it succeeded. */
  attempt: (command: readonly [string, ...string[]]) => Promise<boolean>;
}
