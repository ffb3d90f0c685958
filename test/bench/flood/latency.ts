/** In milliseconds. */
export interface Latency {
  requests: number;
  p50: number;
  p99: number;
  max: number;
}

export function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { requests: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
