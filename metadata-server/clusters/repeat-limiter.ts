import type { Changes } from "../store/store.ts";

/** What a call leaves in the audit log and on the timeline. */
export type Trace = Pick<Changes, "audit" | "events">;

interface Call {
  at: number;
  /** Returns the trace that stands for so many calls of the kind. The last call's is written for those before it. */
  trace: (times: number) => Trace;
  /** How many calls of the kind are written at once; 2 by default, because that it is repeated is news. */
  mostAtOnce?: number;
}

export interface Repeat {
  /** For the commit of the call's decision; empty if the call is only counted. */
  trace: Trace;
  /** Counts the call. If the decision can be made again, call it after its commit. */
  count(): void;
}

export interface RepeatLimiter {
  /** Decides whether a call is written or only counted. Changes nothing, so that a decision can be made again. */
  take(kind: string, call: Call): Repeat;
  /** Returns the traces of calls that were only counted, once their minute has ended. */
  summarize(at: number): Trace[];
}

const windowMs = 60_000;
interface Kind {
  startedAt: number;
  written: number;
  unwritten: number;
  last: Call["trace"];
}

/**
 * Bounds what callers can write by repeating an allowed call, or one that always raises the same alert. Without a bound
 * they would crowd out the records about themselves.
 */
export function createRepeatLimiter(): RepeatLimiter {
  const kinds = new Map<string, Kind>();

  function count(name: string, { at, trace }: Call, isWritten: boolean): void {
    const kind = kinds.get(name) ?? { startedAt: at, written: 0, unwritten: 0, last: trace };
    kinds.set(name, kind);
    kind.last = trace;
    if (isWritten) kind.written += 1;
    else kind.unwritten += 1;
  }

  return {
    take(name, call) {
      const { written = 0 } = kinds.get(name) ?? {};
      const isWritten = written < (call.mostAtOnce ?? 2);
      return { trace: isWritten ? call.trace(1) : {}, count: () => count(name, call, isWritten) };
    },
    summarize(at) {
      const traces: Trace[] = [];
      for (const [name, { startedAt, unwritten, last }] of kinds) {
        if (at - startedAt < windowMs) continue;
        if (unwritten === 0) kinds.delete(name);
        else {
          traces.push(last(unwritten));
          kinds.set(name, { startedAt: at, written: Infinity, unwritten: 0, last });
        }
      }
      return traces;
    },
  };
}

/** Returns a message that stands for so many calls. */
export const describeRepeats = (message: string, times: number) =>
  times === 1 ? message : `${times} more times: ${message}`;
