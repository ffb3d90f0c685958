import type { MachineEvent } from "#api/machine.ts";

const maxEvents = 100;
const maxClaims = 20;

/** Entries that any host on the segment can cause, as often as it likes. */
const claims = [
  /^Says that it cannot boot: /,
  /^Ordered to wipe its disk$/,
  /^A machine with MAC /,
  /^It also claims MAC /,
  /^Machine \S+ .*has the same UUID/,
];

/**
 * Drops the oldest entries beyond 100, and those beyond 20 of each kind of claim. Claims take no room from the other
 * entries, so that no client can push out an alert, or what an operator did.
 */
export function boundTimeline(events: readonly MachineEvent[]): MachineEvent[] {
  const counts = new Map<RegExp | undefined, number>();
  const newestFirst = events.toReversed().filter(({ message }) => {
    const kind = claims.find((claim) => claim.test(message));
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= (kind === undefined ? maxEvents : maxClaims);
  });
  return newestFirst.toReversed();
}
