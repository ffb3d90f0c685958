export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
  worst: number;
}

/** By the nearest rank (https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method). Null for no values. */
export function quantiles(values: readonly number[]): Quantiles | null {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
  const [p50, p95, p99, worst] = [at(0.5), at(0.95), at(0.99), at(1)];
  if (p50 === undefined || p95 === undefined || p99 === undefined || worst === undefined) return null;
  return { p50, p95, p99, worst };
}
