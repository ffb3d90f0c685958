import type { SeriesSummary } from "./summarize.ts";

/** Nodes of simulated clusters, under faults. */
const leastReadyNodes = 0.9995;
/** Two runs on one machine differ by this much. */
const noiseOfTimes = 1.15;
/** Standard errors; by chance one of 700 comparisons is further off. */
const mostStandardErrors = 3;

/**
 * Returns why a run is no proof: nodes or clusters that failed, and what is worse than in an earlier run of the same
 * series by more than chance explains.
 */
export function judge(summaries: readonly SeriesSummary[], before: readonly SeriesSummary[]): string[] {
  return summaries.flatMap((summary) => [
    ...judgeSuccess(summary),
    ...before.filter(({ series }) => series === summary.series).flatMap((earlier) => compare(summary, earlier)),
  ]);
}

function judgeSuccess({ series, nodes, readyNodes, clusters, readyClusters }: SeriesSummary): string[] {
  if (series === "real")
    return readyClusters === clusters ? [] : [`real: ${clusters - readyClusters} of ${clusters} clusters failed`];
  if (readyNodes / nodes >= leastReadyNodes) return [];
  return [`${series}: ${percent(readyNodes / nodes)} of the nodes are Ready, fewer than ${percent(leastReadyNodes)}`];
}

function compare(now: SeriesSummary, before: SeriesSummary): string[] {
  const worse: string[] = [];
  const [rateNow, rateBefore] = [now.readyNodes / now.nodes, before.readyNodes / before.nodes];
  const pooled = (now.readyNodes + before.readyNodes) / (now.nodes + before.nodes);
  const standardError = Math.sqrt(pooled * (1 - pooled) * (1 / now.nodes + 1 / before.nodes));
  if (rateBefore - rateNow > mostStandardErrors * standardError)
    worse.push(`${now.series}: ${percent(rateNow)} of the nodes are Ready, ${percent(rateBefore)} before`);
  for (const moment of ["ready", "available"] as const) {
    const [p50, earlier] = [now[moment]?.p50, before[moment]?.p50];
    if (p50 !== undefined && earlier !== undefined && p50 > earlier * noiseOfTimes)
      worse.push(`${now.series}: ${moment} after ${p50.toFixed(1)} s (p50), ${earlier.toFixed(1)} s before`);
  }
  return worse;
}

export const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;
