import { type SeriesName, seriesNames, type Trial } from "./trial.ts";

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
  worst: number;
}

export interface SeriesSummary {
  series: SeriesName;
  clusters: number;
  readyClusters: number;
  nodes: number;
  /** A cluster that failed counts with all its nodes. */
  readyNodes: number;
  faults: number;
  ready: Quantiles | null;
  available: Quantiles | null;
  cpuSecondsPerNode: number;
  failures: Pick<Trial, "seed" | "failure">[];
}

/** Returns a summary of each series that has trials. */
export const summarize = (trials: readonly Trial[]): SeriesSummary[] =>
  seriesNames.flatMap((series) => {
    const own = trials.filter((trial) => trial.series === series);
    return own.length === 0 ? [] : [summarizeSeries(series, own)];
  });

function summarizeSeries(series: SeriesName, trials: readonly Trial[]): SeriesSummary {
  const succeeded = trials.filter(({ failure }) => failure === null);
  const nodes = sum(trials, (trial) => trial.nodes);
  return {
    series,
    clusters: trials.length,
    readyClusters: succeeded.length,
    nodes,
    readyNodes: sum(succeeded, (trial) => trial.nodes),
    faults: sum(trials, ({ faults }) => faults.length),
    ready: quantiles(trials.flatMap(({ readySeconds }) => readySeconds ?? [])),
    available: quantiles(trials.flatMap(({ availableSeconds }) => availableSeconds ?? [])),
    cpuSecondsPerNode: sum(trials, ({ cpuSeconds }) => cpuSeconds) / nodes,
    failures: trials.filter(({ failure }) => failure !== null).map(({ seed, failure }) => ({ seed, failure })),
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0);

/** By the nearest rank (https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method). Null for no values. */
export function quantiles(values: readonly number[]): Quantiles | null {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
  const [p50, p95, p99, worst] = [at(0.5), at(0.95), at(0.99), at(1)];
  if (p50 === undefined || p95 === undefined || p99 === undefined || worst === undefined) return null;
  return { p50, p95, p99, worst };
}
