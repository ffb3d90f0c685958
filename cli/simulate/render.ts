import { formatDuration } from "../display/duration.ts";
import { printable } from "../display/printable.ts";
import type { Style } from "../display/style.ts";
import { renderTable } from "../display/table.ts";
import { measures, type Progress, type Simulation } from "./tally.ts";

/** Says what each measure is, for the table. */
const titles: Record<(typeof measures)[number], string> = {
  create: "POST /v1/clusters",
  "user-data": "POST user-data",
  metadata: "GET metadata, with its wait",
  claim: "POST claim",
  confirm: "POST confirm",
  report: "POST report",
  ready: "cluster, created to Ready",
};

/** Renders the result of a simulation: times, errors by name, and the verdict. */
export function renderSimulation(simulation: Simulation, style: Style): string {
  const { times, errors, left, machines, readyMachines, clusters, readyClusters, seconds } = simulation;
  const rows = measures.flatMap((measure) => {
    const found = times[measure];
    if (found === undefined) return [];
    const { count, p50, p95, p99, worst } = found;
    return [[titles[measure], String(count), ...[p50, p95, p99, worst].map(formatDuration)]];
  });
  const failed = errors.map(({ count, message }) => `  ${count} × ${printable(message)}\n`);
  const remaining = left.length === 0 ? "" : `\nNot deleted, and gone in an hour: ${left.join(", ")}\n`;
  const verdict = `${readyMachines} of ${machines} simulated machines Ready, in ${readyClusters} of ${clusters} clusters, after ${seconds.toFixed(1)} s`;
  return [
    renderTable(["simulated", "count", "p50", "p95", "p99", "worst"], rows),
    ...(failed.length === 0 ? [] : ["\nErrors:\n", ...failed]),
    remaining,
    `\n${style(readyMachines === machines ? "green" : "red", verdict)}\n`,
  ].join("");
}

/** One line while it runs. */
export const renderProgress = ({ machines, readyMachines, failedMachines, seconds }: Progress): string =>
  `Simulated machines: ${readyMachines} of ${machines} Ready${failedMachines === 0 ? "" : `, ${failedMachines} failed`}, ${seconds.toFixed(0)} s`;
