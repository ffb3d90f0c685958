import type { ClaimKind, TimelineEntry } from "../store/machine-record.ts";

const maxEvents = 100;
const maxClaims = 20;

/**
 * Drops the oldest entries beyond 100, and those beyond 20 of each kind of claim. Claims take no room from the other
 * entries, so that no client can push out an alert, or what an operator did. Claims of earlier releases, which lack
 * their kind, count as other entries.
 */
export function boundTimeline(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const counts = new Map<ClaimKind | undefined, number>();
  const newestFirst = entries.toReversed().filter(({ claim }) => {
    const count = (counts.get(claim) ?? 0) + 1;
    counts.set(claim, count);
    return count <= (claim === undefined ? maxEvents : maxClaims);
  });
  return newestFirst.toReversed();
}
