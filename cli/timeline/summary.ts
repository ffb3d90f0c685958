import { formatDuration } from "../display/duration.ts";
import type { Style } from "../display/style.ts";
import { findSlowestStep, shortName, type Timeline } from "./model.ts";

/** Renders `build126 is ready after 8.42 s; slowest step: api-server on cp01, 4.10 s`. */
export function renderSummary(timeline: Timeline, style: Style): string {
  const seconds =
    timeline.settledAt === null ? "" : ` after ${formatDuration(timeline.settledAt - timeline.startedAt)}`;
  const slowest = findSlowestStep(timeline);
  const step = slowest
    ? `; slowest step: ${slowest.phase} on ${shortName(slowest.member)}, ${formatDuration(slowest.durationMs)}`
    : "";
  return `${style(["green", "bold"], `${timeline.cluster} is ${timeline.state}${seconds}`)}${step}`;
}
