import type { Clock } from "#lib/clock.ts";

export interface ManualClock extends Clock {
  /** Advances time and runs the callbacks that are due, in order. */
  advance(milliseconds: number): void;
  /** Number of pending callbacks. */
  pending(): number;
}

/** A clock that stands still until a test advances it. */
export function createManualClock(start = Date.parse("2026-01-02T03:04:05.000Z")): ManualClock {
  let now = start;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => now,
    schedule(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.callback();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
