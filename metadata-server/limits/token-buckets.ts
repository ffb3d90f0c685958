import type { Clock } from "#lib/clock.ts";

/** A key may save up what it does not use, for this long. */
const burstSeconds = 60;
/** Keys beyond this number push out the oldest one, which starts again with a full bucket. */
const mostKeys = 20_000;

interface Bucket {
  left: number;
  at: number;
}

export interface TokenBuckets {
  /** Takes one from the key's bucket. Returns 0, or the whole seconds until the bucket has one again. */
  take(key: string): number;
}

/** A token bucket for each key: `perSecond` are refilled, and a minute's worth is there at first. */
export function createTokenBuckets(perSecond: number, clock: Pick<Clock, "now">): TokenBuckets {
  const most = perSecond * burstSeconds;
  const buckets = new Map<string, Bucket>();
  return {
    take(key) {
      const at = clock.now();
      const bucket = buckets.get(key) ?? { left: most, at };
      if (!buckets.has(key)) {
        if (buckets.size >= mostKeys) forgetOldest(buckets);
        buckets.set(key, bucket);
      }
      // A clock that is set back refills nothing.
      bucket.left = Math.min(most, bucket.left + (Math.max(0, at - bucket.at) / 1000) * perSecond);
      bucket.at = at;
      if (bucket.left < 1) return Math.ceil((1 - bucket.left) / perSecond);
      bucket.left -= 1;
      return 0;
    },
  };
}

/** A Map is in the order of insertion. */
export function forgetOldest(map: Map<string, unknown> | Set<string>): void {
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
