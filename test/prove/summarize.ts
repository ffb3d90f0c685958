import { type Quantiles, quantiles } from "#lib/quantiles.ts";
import { type SeriesName, seriesNames, type Trial } from "./trial.ts";

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
  /** Clusters that had to fail, and did so with the right reason; nothing else here counts them. */
  unavoidable: { seed: number; reason: string }[];
}

/** Returns a summary of each series that has trials. */
export const summarize = (trials: readonly Trial[]): SeriesSummary[] =>
  seriesNames.flatMap((series) => {
    const own = trials.filter((trial) => trial.series === series);
    return own.length === 0 ? [] : [summarizeSeries(series, own)];
  });

function summarizeSeries(series: SeriesName, all: readonly Trial[]): SeriesSummary {
  const trials = all.filter(({ unavoidable, failure }) => unavoidable === null || failure !== null);
  const succeeded = trials.filter(({ failure }) => failure === null);
  const nodes = sum(trials, (trial) => trial.nodes);
  return {
    series,
    clusters: trials.length,
    readyClusters: succeeded.length,
    nodes,
    readyNodes: sum(succeeded, (trial) => trial.nodes),
    faults: sum(all, ({ faults }) => faults.length),
    ready: quantiles(trials.flatMap(({ readySeconds }) => readySeconds ?? [])),
    available: quantiles(trials.flatMap(({ availableSeconds }) => availableSeconds ?? [])),
    cpuSecondsPerNode: sum(all, ({ cpuSeconds }) => cpuSeconds) / sum(all, (trial) => trial.nodes),
    failures: trials.filter(({ failure }) => failure !== null).map(({ seed, failure }) => ({ seed, failure })),
    unavoidable: all.flatMap(({ seed, unavoidable, failure }) =>
      unavoidable === null || failure !== null ? [] : [{ seed, reason: unavoidable }],
    ),
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0);
