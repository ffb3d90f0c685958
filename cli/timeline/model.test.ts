import { expect, it } from "vitest";
import { fakeCluster, fakeEvents, fakeMember } from "../../test/fakes/fake-api.ts";
import { applyEvent, createTimeline, currentSpan, findSlowestStep, shortName, toPieces } from "./model.ts";

const cp = "cp01.build126.sprout.internal";
const worker = "node01.build126.sprout.internal";
const epoch = Date.parse("2026-01-01T00:00:00.000Z");

const play = (...events: Parameters<typeof fakeEvents>) =>
  fakeEvents(...events).reduce(applyEvent, createTimeline(fakeCluster()));

const bringUp: Parameters<typeof fakeEvents> = [
  { ms: 10, type: "cluster", state: "provisioning" },
  { ms: 100, type: "member", member: cp, state: "launched" },
  { ms: 100, type: "member", member: worker, state: "launched" },
  { ms: 600, type: "phase", member: cp, phase: "metadata", state: "started" },
  { ms: 650, type: "phase", member: cp, phase: "metadata", state: "done", durationMs: 50 },
  { ms: 650, type: "phase", member: cp, phase: "api-server", state: "started" },
  { ms: 700, type: "phase", member: worker, phase: "register", state: "started" },
  { ms: 4650, type: "phase", member: cp, phase: "api-server", state: "done", durationMs: 4000 },
  { ms: 4650, type: "phase", member: cp, phase: "verify", state: "started" },
  { ms: 5200, type: "phase", member: worker, phase: "register", state: "done", durationMs: 4500 },
  { ms: 5300, type: "phase", member: cp, phase: "verify", state: "done", durationMs: 650 },
  { ms: 5300, type: "member", member: cp, state: "ready" },
  { ms: 5300, type: "member", member: worker, state: "ready" },
  { ms: 5300, type: "cluster", state: "ready" },
];

it("a cluster's events become a row for each machine", () => {
  const timeline = play(...bringUp);
  expect(timeline).toMatchObject({ state: "ready", startedAt: epoch, settledAt: epoch + 5300, failure: null });
  expect(timeline.rows.map((row) => [shortName(row.name), row.state, row.settledAt])).toEqual([
    ["cp01", "ready", epoch + 5300],
    ["node01", "ready", epoch + 5300],
  ]);
  expect(timeline.rows[0]?.spans).toEqual([
    { phase: "metadata", state: "done", startedAt: epoch + 600, endedAt: epoch + 650 },
    { phase: "api-server", state: "done", startedAt: epoch + 650, endedAt: epoch + 4650 },
    { phase: "verify", state: "done", startedAt: epoch + 4650, endedAt: epoch + 5300 },
  ]);
});

it("applying an event does not change the original timeline", () => {
  const before = play(...bringUp.slice(0, 4));
  const copy = structuredClone(before);
  applyEvent(before, fakeEvents(...bringUp.slice(0, 5))[4]!);
  expect(before).toEqual(copy);
});

it("time before a machine's first step is its boot", () => {
  const row = play(...bringUp).rows[0]!;
  expect(toPieces(row, epoch + 9000)[0]).toEqual({ phase: "boot", failed: false, from: epoch + 100, to: epoch + 600 });
});

it("probing the peers takes none of a machine's time", () => {
  const peers = { type: "phase", member: cp, phase: "peers" } as const;
  const timeline = play(...bringUp.slice(0, 5), { ms: 650, ...peers, state: "started" }, ...bringUp.slice(5), {
    ms: 9000,
    ...peers,
    state: "failed",
    durationMs: 8350,
    error: "cp01 cannot reach node01",
  });
  expect(timeline.rows[0]).toMatchObject({ state: "ready", error: "cp01 cannot reach node01" });
  expect(toPieces(timeline.rows[0]!, epoch + 9000).map(({ phase }) => phase)).not.toContain("peers");
  expect(currentSpan(timeline.rows[0]!)?.phase).toBe("verify");
  expect(findSlowestStep(timeline)?.phase).toBe("api-server");
});

it("a late report shows when its step began", () => {
  const row = play(
    { ms: 5000, type: "phase", member: cp, phase: "render", state: "started" },
    { ms: 5001, type: "phase", member: cp, phase: "render", state: "done", durationMs: 800 },
  ).rows[0]!;
  expect(row.spans).toEqual([{ phase: "render", state: "done", startedAt: epoch + 4201, endedAt: epoch + 5001 }]);
});

it("a repeated start of a step changes nothing", () => {
  const row = play(
    { ms: 1000, type: "phase", member: cp, phase: "kubelet", state: "started" },
    { ms: 2000, type: "phase", member: cp, phase: "kubelet", state: "started" },
  ).rows[0]!;
  expect(row.spans).toEqual([{ phase: "kubelet", state: "started", startedAt: epoch + 1000, endedAt: null }]);
});

it("a machine's current step is the last unfinished one", () => {
  const row = play(
    { ms: 10, type: "phase", member: cp, phase: "preflight", state: "started" },
    { ms: 20, type: "phase", member: cp, phase: "claim", state: "started" },
    { ms: 30, type: "phase", member: cp, phase: "claim", state: "done" },
  ).rows[0]!;
  expect(currentSpan(row)?.phase).toBe("preflight");
});

it("the first error of a machine and of the cluster stays", () => {
  const timeline = play(
    { ms: 10, type: "phase", member: cp, phase: "preflight", state: "failed", error: "swap is on" },
    { ms: 20, type: "member", member: cp, state: "failed", message: "exit code 3" },
    { ms: 30, type: "cluster", state: "failed", message: "the first control plane failed" },
    { ms: 40, type: "cluster", state: "deleting" },
  );
  expect(timeline.rows[0]?.error).toBe("swap is on");
  expect(timeline).toMatchObject({
    state: "deleting",
    failure: "the first control plane failed",
    settledAt: epoch + 30,
  });
});

it("alerts are kept with their machine", () => {
  const timeline = play({ ms: 1, type: "alert", member: worker, code: "wrong-machine", message: "a second machine" });
  expect(timeline.alerts).toEqual(["node01: a second machine"]);
});

it("events of an unknown machine change no row", () => {
  const timeline = play({ ms: 1, type: "member", member: "node09.build126.sprout.internal", state: "ready" });
  expect(timeline.rows).toEqual(createTimeline(fakeCluster()).rows);
});

it("a worker that waits for the API server is not the slowest step", () => {
  expect(findSlowestStep(play(...bringUp))).toEqual({ member: cp, phase: "api-server", durationMs: 4000 });
});

it("a worker that the proof waited for is the slowest step", () => {
  const late = play(
    ...bringUp.slice(0, 10),
    { ms: 6000, type: "phase", member: worker, phase: "network", state: "started" },
    { ms: 14_000, type: "phase", member: worker, phase: "network", state: "done", durationMs: 8000 },
    { ms: 14_100, type: "phase", member: cp, phase: "verify", state: "done", durationMs: 9450 },
    { ms: 14_100, type: "cluster", state: "ready" },
  );
  expect(findSlowestStep(late)).toEqual({ member: worker, phase: "network", durationMs: 8000 });
});

it("a timeline without steps has no slowest step", () => {
  expect(findSlowestStep(createTimeline(fakeCluster({ members: [fakeMember("cp01")] })))).toBeNull();
});
