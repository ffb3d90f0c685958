import type { Style } from "../display/style.ts";
import { toPieces, type Piece, type TimelineRow } from "./model.ts";

const colors = {
  boot: "gray",
  discover: "blue",
  resume: "yellowBright",
  metadata: "blueBright",
  preflight: "cyan",
  peers: "white",
  claim: "magenta",
  render: "cyanBright",
  confirm: "magentaBright",
  "static-pods": "white",
  "api-server": "yellow",
  kubelet: "blue",
  "etcd-join": "yellowBright",
  join: "yellowBright",
  "cluster-config": "magenta",
  register: "cyan",
  network: "magentaBright",
  verify: "green",
  available: "greenBright",
} as const satisfies Record<Piece["phase"], string>;

export interface BarOptions {
  startedAt: number;
  now: number;
  /** Time that the whole bar represents. */
  spanMs: number;
  width: number;
  style: Style;
}

/** Renders a machine's steps along the time axis. A cell shows the step that fills most of it. */
export function renderBar(row: TimelineRow, { startedAt, now, spanMs, width, style }: BarOptions): string {
  const pieces = toPieces(row, now);
  const cellMs = spanMs / width;
  let bar = "";
  for (let cell = 0; cell < width; cell += 1) {
    const from = startedAt + cell * cellMs;
    const index = fullest(pieces, from, from + cellMs);
    const piece = pieces[index];
    if (!piece) bar += " ";
    else if (piece.failed) bar += style("red", "╳");
    // Without colours, the stroke distinguishes neighbours.
    else bar += style(colors[piece.phase], piece.phase === "boot" ? "┄" : index % 2 === 0 ? "─" : "━");
  }
  return bar;
}

function fullest(pieces: readonly Piece[], from: number, to: number): number {
  let best = -1;
  let bestMs = 0;
  for (const [index, piece] of pieces.entries()) {
    const overlapMs = Math.min(piece.to, to) - Math.max(piece.from, from);
    // A longer step never hides a failure.
    if (piece.failed && piece.to > from && piece.to <= to) return index;
    if (overlapMs > bestMs) [best, bestMs] = [index, overlapMs];
  }
  return best;
}

/** Renders the seconds below the bars: `0 s    2      4      6`. */
export function renderAxis(spanMs: number, width: number): string {
  const stepMs = axisSteps.find((step) => (spanMs / step) * 7 <= width) ?? spanMs;
  let axis = "";
  for (let at = 0; at <= spanMs; at += stepMs) {
    const label = at === 0 ? "0 s" : String(at / 1000);
    const column = Math.round((at / spanMs) * width);
    if (column + label.length > width) break;
    axis = axis.padEnd(column) + label;
  }
  return axis;
}

const axisSteps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].map((seconds) => seconds * 1000);
const axisSpans = [10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600, 900, 1800, 3600].map(
  (seconds) => seconds * 1000,
);

/** Chooses the span of the axis. It grows in steps, so that the bars do not move all the time. */
export const chooseSpanMs = (elapsedMs: number): number =>
  axisSpans.find((span) => span >= elapsedMs) ?? Math.ceil(elapsedMs / 3_600_000) * 3_600_000;

/** Renders the colour of each visible step. */
export function renderLegend(rows: readonly TimelineRow[], minimumMs: number, { style, now }: BarOptions): string[] {
  const seen = new Set<Piece["phase"]>();
  for (const row of rows)
    for (const piece of toPieces(row, now)) if (piece.to - piece.from >= minimumMs) seen.add(piece.phase);
  return (Object.keys(colors) as Piece["phase"][])
    .filter((phase) => seen.has(phase))
    .map((phase) => `${style(colors[phase], phase === "boot" ? "┄┄" : "━━")} ${phase}`);
}
