import { expect, it } from "vitest";
import { fakeCluster, fakeEvents, fakeMember } from "../../test/fakes/fake-api.ts";
import { createStyle } from "../display/style.ts";
import { visibleWidth } from "../display/table.ts";
import { chooseSpanMs, renderAxis } from "./bar.ts";
import { applyEvent, createTimeline, hasEnded, type Timeline } from "./model.ts";
import { renderSummary } from "./summary.ts";
import { renderTimeline } from "./render.ts";

const cp = "cp01.build126.sprout.internal";
const worker = "node01.build126.sprout.internal";
const epoch = Date.parse("2026-01-01T00:00:00.000Z");
const style = createStyle(false);

const play = (start: Timeline, ...events: Parameters<typeof fakeEvents>) =>
  fakeEvents(...events).reduce(applyEvent, start);
const start = createTimeline(fakeCluster());
const half: Parameters<typeof fakeEvents> = [
  { ms: 10, type: "cluster", state: "provisioning" },
  { ms: 0, type: "member", member: cp, state: "launched" },
  { ms: 0, type: "member", member: worker, state: "launched" },
  { ms: 1000, type: "member", member: cp, state: "bootstrapping" },
  { ms: 1000, type: "phase", member: cp, phase: "preflight", state: "started" },
  { ms: 2000, type: "phase", member: cp, phase: "preflight", state: "done", durationMs: 1000 },
  { ms: 2000, type: "phase", member: cp, phase: "api-server", state: "started" },
];
const plain = { columns: 79, rows: 24, style };
const headOf = (timeline: Timeline) =>
  renderTimeline(timeline, { ...plain, now: epoch + 7500 })
    .split("\n")
    .slice(0, 3);

it("a cluster during bring-up shows each machine's step, the time in it, and its steps so far", () => {
  expect(renderTimeline(play(start, ...half), { ...plain, now: epoch + 5000 })).toBe(
    [
      "  build126   provisioning   0 of 2 nodes ready   5.00 s",
      "",
      "  cp01    ● api-server        3.00 s  ┄┄┄┄━━━━────────────",
      "  node01  ○ booting           5.00 s  ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄",
      "                                      0 s     2       4       6       8",
      "  ┄┄ boot  ━━ preflight  ━━ api-server",
    ].join("\n"),
  );
});

it("a ready cluster no longer changes, and shows when each machine was ready", () => {
  const ready = play(
    start,
    ...half,
    { ms: 5000, type: "phase", member: cp, phase: "api-server", state: "done", durationMs: 3000 },
    { ms: 6000, type: "member", member: cp, state: "ready" },
    { ms: 6000, type: "member", member: worker, state: "ready" },
    { ms: 6000, type: "cluster", state: "ready" },
  );
  const picture = renderTimeline(ready, { ...plain, now: epoch + 60_000 });
  expect(picture).toBe(renderTimeline(ready, { ...plain, now: epoch + 90_000 }));
  expect(picture.split("\n").slice(0, 4)).toEqual([
    "  build126   ready   2 of 2 nodes ready   6.00 s",
    "",
    "  cp01    ✓ ready             6.00 s  ┄┄┄┄━━━━────────────",
    "  node01  ✓ ready             6.00 s  ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄",
  ]);
  expect(renderSummary(ready, style)).toBe("build126 is ready after 6.00 s; slowest step: api-server on cp01, 3.00 s");
});

it("a ready cluster shows its proof while it runs, and then both times", () => {
  const ready: Parameters<typeof fakeEvents> = [
    ...half,
    { ms: 5000, type: "phase", member: cp, phase: "api-server", state: "done", durationMs: 3000 },
    { ms: 6000, type: "member", member: cp, state: "ready" },
    { ms: 6000, type: "member", member: worker, state: "ready" },
    { ms: 6000, type: "cluster", state: "ready" },
    { ms: 6000, type: "phase", member: cp, phase: "available", state: "started" },
  ];
  const proving = play(start, ...ready);
  expect(hasEnded(proving, "ready")).toBe(true);
  expect(hasEnded(proving, "available")).toBe(false);
  expect(headOf(proving)).toEqual([
    "  build126   ready   2 of 2 nodes ready   6.00 s",
    "",
    "  cp01    ✓ available         1.50 s  ┄┄┄┄━━━━────────────    ━━━━━━",
  ]);
  const proven = play(start, ...ready, {
    ms: 8000,
    type: "phase",
    member: cp,
    phase: "available",
    state: "done",
    durationMs: 2000,
  });
  expect(hasEnded(proven, "available")).toBe(true);
  expect(headOf(proven)).toEqual([
    "  build126   ready   2 of 2 nodes ready   6.00 s   available   8.00 s",
    "",
    "  cp01    ✓ ready             6.00 s  ┄┄┄┄━━━━────────────    ━━━━━━━━",
  ]);
});

it("a failed machine shows its error and when it failed", () => {
  const failed = play(
    start,
    ...half,
    {
      ms: 4000,
      type: "phase",
      member: cp,
      phase: "api-server",
      state: "failed",
      durationMs: 2000,
      error: "etcd exits\nlog",
    },
    { ms: 4000, type: "member", member: cp, state: "failed" },
    { ms: 4000, type: "cluster", state: "failed", message: "the first control plane failed" },
  );
  expect(
    renderTimeline(failed, { ...plain, now: epoch + 9000 })
      .split("\n")
      .slice(2, 4),
  ).toEqual(["  cp01    ✗ api-server        4.00 s  ┄┄┄┄━━━━╳╳╳╳╳╳╳╳", "    etcd exits"]);
});

it("alerts are shown below the machines", () => {
  const alerted = play(start, {
    ms: 1,
    type: "alert",
    member: worker,
    code: "wrong-machine",
    message: "a second machine",
  });
  expect(renderTimeline(alerted, { ...plain, now: epoch })).toContain("\n  ! node01: a second machine\n");
});

it("if lines do not suffice, failed and late machines come first and the rest is counted", () => {
  const members = Array.from({ length: 50 }, (_, index) => fakeMember(`node${String(index + 1).padStart(2, "0")}`));
  const many = play(
    createTimeline(fakeCluster({ members: [fakeMember("cp01"), ...members] })),
    ...members.slice(0, 40).map(({ name }) => ({ ms: 9, type: "member", member: name, state: "ready" }) as const),
    { ms: 9, type: "member", member: members[49]!.name, state: "failed", message: "no disk" },
  );
  const lines = renderTimeline(many, { ...plain, now: epoch + 10, rows: 12 }).split("\n");
  expect(lines.slice(2, 9).map((line) => line.trimEnd().replace(/ +/g, " "))).toEqual([
    " node50 ✗ failed 0.01 s",
    " no disk",
    " cp01 · pending 0.00 s",
    " node41 · pending 0.00 s",
    " node42 · pending 0.00 s",
    " node43 · pending 0.00 s",
    " … and 46 more: 40 ready, 6 pending",
  ]);
});

it.for([60, 80, 120, 200])("no line is wider than a terminal of %d columns", (columns) => {
  const picture = renderTimeline(play(start, ...half), {
    now: epoch + 5000,
    columns,
    rows: 24,
    style: createStyle(true),
  });
  const widest = Math.max(...picture.split("\n").map(visibleWidth));
  expect(widest).toBeLessThanOrEqual(columns);
});

it("the axis grows in steps, within its width", () => {
  expect([0, 10_000, 10_001, 60_001, 3_600_001].map(chooseSpanMs)).toEqual([10_000, 10_000, 15_000, 90_000, 7_200_000]);
  expect(renderAxis(10_000, 40)).toBe("0 s     2       4       6       8");
  expect(renderAxis(180_000, 20)).toBe("0 s          120");
});
