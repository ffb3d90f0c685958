import { percent } from "./judge.ts";
import type { Proof } from "./proof.ts";
import type { Quantiles } from "#lib/quantiles.ts";
import type { SeriesSummary } from "./summarize.ts";
import { replay, type SeriesName } from "./trial.ts";

const titles: Record<SeriesName, string> = {
  simulated: "simulated machines, with faults",
  real: "real nspawn machines",
  "real-faults": "real nspawn machines, with faults",
};

const inSeconds = (times: Quantiles | null) =>
  times === null ? "–" : [times.p50, times.p95, times.p99, times.worst].map((time) => time.toFixed(1)).join(" / ");

/** Returns the tables of a proof as Markdown: a row for each series, and every failure by name. */
export function renderProof({ commit, kubernetesVersion, at, host, series }: Proof): string {
  const { cpus, memoryGiB, architecture, kernel } = host;
  const rows = series.map((summary) => {
    const { clusters, readyClusters, nodes, readyNodes, faults } = summary;
    const cells = [
      titles[summary.series],
      `${readyClusters} of ${clusters} (${percent(readyClusters / clusters)})`,
      `${readyNodes} of ${nodes} (${percent(readyNodes / nodes)})`,
      String(faults),
      inSeconds(summary.ready),
      inSeconds(summary.available),
      summary.cpuSecondsPerNode.toFixed(2),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Commit ${commit.slice(0, 12)}, Kubernetes ${kubernetesVersion}, ${at.slice(0, 10)}; ${cpus} processors, ${memoryGiB} GiB, ${architecture}, Linux ${kernel}.`,
    "",
    "| series | clusters Ready | nodes Ready | faults | s to Ready: p50 / p95 / p99 / worst | s to DNS on every node | CPU-seconds a node |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    ...renderFailures(series),
    ...renderUnavoidable(series),
    "",
  ].join("\n");
}

function renderFailures(series: readonly SeriesSummary[]): string[] {
  const failures = series.flatMap((summary) =>
    summary.failures.map(({ seed, failure }) => renderTrial({ series: summary.series, seed }, failure ?? "")),
  );
  return failures.length === 0 ? ["No cluster failed."] : ["What failed:", "", ...failures];
}

/** Few of them: they are alike. */
const mostUnavoidable = 6;

function renderUnavoidable(series: readonly SeriesSummary[]): string[] {
  const all = series.flatMap(({ series: name, unavoidable }) =>
    unavoidable.map(({ seed, reason }) => renderTrial({ series: name, seed }, reason)),
  );
  if (all.length === 0) return [];
  const shown = all.slice(0, mostUnavoidable);
  const others = all.length > shown.length ? `, ${shown.length} of them:` : ":";
  const heading = `Not in the table: ${all.length} clusters that had to fail, because a machine was lost, its clock wrong or its disk full, and that said so${others}`;
  return ["", heading, "", ...shown];
}

const renderTrial = (trial: Parameters<typeof replay>[0], reason: string) =>
  `- \`${replay(trial)}\`: ${reason.replaceAll(/\s+/g, " ").slice(0, 300)}`;
