import type { MemberState } from "#api/member.ts";
import { printable } from "../display/printable.ts";
import { formatDuration } from "../display/duration.ts";
import type { Style } from "../display/style.ts";
import { truncate, visibleWidth } from "../display/table.ts";
import { chooseSpanMs, renderAxis, renderBar, renderLegend, type BarOptions } from "./bar.ts";
import { currentSpan, findProof, lastEnd, shortName, type Timeline, type TimelineRow } from "./model.ts";

interface RenderOptions {
  now: number;
  columns: number;
  /** Lines that are free. */
  rows: number;
  style: Style;
}

const marks: Record<MemberState, { mark: string; color: Parameters<Style>[0] }> = {
  pending: { mark: "·", color: "gray" },
  launched: { mark: "○", color: "gray" },
  bootstrapping: { mark: "●", color: "yellow" },
  ready: { mark: "✓", color: "green" },
  failed: { mark: "✗", color: "red" },
  detaching: { mark: "○", color: "yellow" },
  deleted: { mark: "-", color: "gray" },
};

/** Renders the timeline, one machine a line. If the lines do not suffice, failed and late machines come first. */
export function renderTimeline(timeline: Timeline, options: RenderOptions): string {
  const { style, columns } = options;
  const isRunning = timeline.settledAt === null || timeline.rows.some(isProving);
  const now = isRunning ? options.now : Math.max(timeline.settledAt ?? 0, lastEnd(timeline));
  const nameWidth = Math.max(...timeline.rows.map((row) => shortName(row.name).length), 4);
  const stepWidth = 14;
  const left = 2 + nameWidth + 2 + 2 + stepWidth + 2 + 8 + 2;
  const width = Math.max(10, columns - left - 1);
  const elapsedMs = now - timeline.startedAt;
  const bar: BarOptions = { startedAt: timeline.startedAt, now, spanMs: chooseSpanMs(elapsedMs), width, style };

  const shown = chooseRows(timeline.rows, Math.max(1, options.rows - 6));
  const lines = shown.flatMap((row) => {
    const { mark, color } = marks[row.state];
    // While it runs, the time in its step, which shows what is stuck; after that, when it was ready or failed.
    const sinceMs =
      row.settledAt === null || isProving(row)
        ? now - (currentSpan(row)?.startedAt ?? row.launchedAt ?? now)
        : row.settledAt - timeline.startedAt;
    const line = [
      `  ${shortName(row.name).padEnd(nameWidth)}  `,
      `${style(color, mark)} `,
      `${truncate(stepOf(row), stepWidth).padEnd(stepWidth)}  `,
      `${style("dim", formatDuration(sinceMs).padStart(8))}  `,
      renderBar(row, bar),
    ].join("");
    const error =
      row.error === null ? [] : [`    ${style("red", truncate(firstLine(printable(row.error)), columns - 5))}`];
    return [line.trimEnd(), ...error];
  });
  const hidden = timeline.rows.length - shown.length;
  if (hidden > 0) lines.push(style("dim", `  … and ${hidden} more: ${countStates(timeline.rows, shown)}`));
  for (const alert of timeline.alerts.slice(-3))
    lines.push(style("red", truncate(`  ! ${printable(alert)}`, columns - 1)));

  return [
    renderTitle(timeline, elapsedMs, style),
    "",
    ...lines,
    " ".repeat(left) + style("dim", renderAxis(bar.spanMs, width)),
    ...wrap(renderLegend(shown, bar.spanMs / width / 2, bar), columns),
  ].join("\n");
}

function renderTitle(timeline: Timeline, elapsedMs: number, style: Style): string {
  const colors: Partial<Record<Timeline["state"], Parameters<Style>[0]>> = { ready: "green", failed: "red" };
  const ready = timeline.rows.filter((row) => row.state === "ready").length;
  const settledMs = timeline.settledAt === null ? elapsedMs : timeline.settledAt - timeline.startedAt;
  const proof = findProof(timeline);
  return [
    `  ${style("bold", timeline.cluster)}`,
    style(colors[timeline.state] ?? "yellow", timeline.state),
    `${ready} of ${timeline.rows.length} nodes ready`,
    formatDuration(settledMs),
    ...(proof?.state === "done" ? [`available   ${formatDuration((proof.endedAt ?? 0) - timeline.startedAt)}`] : []),
  ].join("   ");
}

function stepOf(row: TimelineRow): string {
  if (row.state === "deleted" || (row.state === "ready" && !isProving(row))) return row.state;
  const span = currentSpan(row);
  if (span) return span.phase;
  return row.state === "launched" ? "booting" : row.state;
}

const isProving = ({ spans }: TimelineRow): boolean =>
  spans.some(({ phase, endedAt }) => phase === "available" && endedAt === null);

const urgency: Record<MemberState, number> = {
  failed: 0,
  bootstrapping: 1,
  launched: 2,
  pending: 3,
  detaching: 4,
  ready: 5,
  deleted: 6,
};

/** Keeps the planned order if all fit. */
function chooseRows(rows: readonly TimelineRow[], limit: number): readonly TimelineRow[] {
  if (rows.length <= limit) return rows;
  return rows.toSorted((a, b) => urgency[a.state] - urgency[b.state]).slice(0, limit - 1);
}

function countStates(rows: readonly TimelineRow[], shown: readonly TimelineRow[]): string {
  const counts = new Map<MemberState, number>();
  for (const row of rows) if (!shown.includes(row)) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

function wrap(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const line = lines.at(-1);
    if (line !== undefined && visibleWidth(line) + visibleWidth(item) + 2 < columns)
      lines[lines.length - 1] = `${line}  ${item}`;
    else lines.push(`  ${item}`);
  }
  return lines;
}
