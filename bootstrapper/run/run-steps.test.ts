import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BootstrapError } from "../errors.ts";
import type { Step } from "./plan.ts";
import { createReporter } from "./report.ts";
import { runSteps, type StepAction } from "./run-steps.ts";

const steps: Step[] = [
  { phase: "claim", after: [] },
  { phase: "preflight", after: [] },
  { phase: "render", after: ["claim"] },
  { phase: "confirm", after: ["render", "preflight"] },
];

function setUp() {
  const lines: { phase: string; state: string; error?: string; exitCode?: number }[] = [];
  const reporter = createReporter({ write: (line) => lines.push(JSON.parse(line) as never), redact: (text) => text });
  const print = () => lines.map(({ phase, state }) => `${phase} ${state}`);
  return { lines, print, reporter };
}
const instant: StepAction = async () => {};
const forever: StepAction = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true }));
/** Like a program that takes a moment to be killed. */
const endsLate: StepAction = (signal) =>
  forever(signal).catch(() => sleep(40).then(() => Promise.reject(new Error("killed"))));

describe("runSteps", () => {
  it("starts each step as soon as the steps that it depends on are done", async () => {
    const { print, reporter } = setUp();
    const actions = { claim: instant, preflight: () => sleep(30), render: instant, confirm: instant };
    await runSteps(steps, { actions, reporter, signal: new AbortController().signal });
    expect(print()).toEqual([
      "claim started",
      "preflight started",
      "claim done",
      "render started",
      "render done",
      "preflight done",
      "confirm started",
      "confirm done",
    ]);
  });

  it("stops the other steps at the first failure, starts no dependent step, and keeps the first error", async () => {
    const { lines, print, reporter } = setUp();
    const broken = new BootstrapError("preflight", "Cannot pass preflight: swap is on");
    const actions = { claim: forever, preflight: () => Promise.reject(broken), render: instant, confirm: instant };
    await expect(runSteps(steps, { actions, reporter, signal: new AbortController().signal })).rejects.toBe(broken);
    expect(print()).toEqual(["claim started", "preflight started", "preflight failed"]);
    expect(lines.at(-1)).toMatchObject({ error: "Cannot pass preflight: swap is on", exitCode: 3 });
  });

  it("gives no verdict on what fails while the machine shuts down", async () => {
    const { print, reporter } = setUp();
    const ending = new AbortController();
    const actions = { claim: () => Promise.reject(new Error("Connection refused")) };
    const run = runSteps([{ phase: "claim", after: [] }], {
      actions,
      reporter,
      signal: new AbortController().signal,
      interrupted: ending.signal,
      outlastShutdown: async () => ending.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: "interrupted" });
    expect(print()).toEqual(["claim started"]);
  });

  it("reports an optional step's failure and succeeds", async () => {
    const { lines, reporter } = setUp();
    const actions = { claim: () => Promise.reject(new Error("no pod answers")) };
    await runSteps([{ phase: "claim", after: [], optional: true }], {
      actions,
      reporter,
      signal: new AbortController().signal,
    });
    expect(lines.at(-1)).toMatchObject({ phase: "claim", state: "failed", error: "no pod answers" });
    expect(lines.at(-1)).not.toHaveProperty("exitCode");
  });

  it("stops a background step once the others are done, and waits for it", async () => {
    const { print, reporter } = setUp();
    const actions = { claim: () => sleep(20), peers: (signal: AbortSignal) => forever(signal).catch(() => undefined) };
    const plan: Step[] = [
      { phase: "claim", after: [] },
      { phase: "peers", after: [], optional: true, background: true },
    ];
    await runSteps(plan, { actions, reporter, signal: new AbortController().signal });
    expect(print()).toEqual(["claim started", "peers started", "claim done", "peers done"]);
  });

  it("aborts running steps at the deadline", async () => {
    const { print, reporter } = setUp();
    const actions = { claim: forever, preflight: instant, render: instant, confirm: instant };
    const run = runSteps(steps, { actions, reporter, signal: AbortSignal.timeout(20) });
    await expect(run).rejects.toMatchObject({ code: "server-unreachable" });
    expect(print()).toEqual(["claim started", "preflight started", "preflight done", "claim failed"]);
  });

  it("blames the step that comes first in the plan if the deadline ends several, in whichever order they end", async () => {
    const { print, reporter } = setUp();
    const actions = { claim: endsLate, preflight: forever, render: instant, confirm: instant };
    await expect(runSteps(steps, { actions, reporter, signal: AbortSignal.timeout(20) })).rejects.toThrow("killed");
    expect(print()).toEqual(["claim started", "preflight started", "claim failed"]);
  });

  it("keeps the failure from before the deadline, even if other steps end later", async () => {
    const { reporter } = setUp();
    const actions = {
      claim: endsLate,
      preflight: () => Promise.reject(new Error("swap is on")),
      render: instant,
      confirm: instant,
    };
    await expect(runSteps(steps, { actions, reporter, signal: AbortSignal.timeout(30) })).rejects.toThrow("swap is on");
  });

  it("refuses a step before one on which it depends", async () => {
    const { reporter } = setUp();
    const wrong: Step[] = [{ phase: "render", after: ["claim"] }];
    await expect(runSteps(wrong, { actions: {}, reporter, signal: new AbortController().signal })).rejects.toThrow(
      "step render comes before claim, on which it depends",
    );
  });
});
