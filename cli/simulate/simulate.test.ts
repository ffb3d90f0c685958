import { describe, expect, it } from "vitest";
import { Hardware } from "#api/node-metadata.ts";
import { createStyle } from "../display/style.ts";
import { runSprout } from "../../test/fixtures/run-sprout.ts";
import { planClusters, planHardware } from "./plan.ts";
import { renderProgress, renderSimulation } from "./render.ts";
import { createTally } from "./tally.ts";

describe("planClusters", () => {
  it("plans clusters of the wanted size, whose names say that they are simulated; the last one has the rest", () => {
    expect(planClusters(10, { size: 4, run: "0a1b2c" })).toEqual([
      { name: "simulated-0a1b2c-1", nodes: 4 },
      { name: "simulated-0a1b2c-2", nodes: 4 },
      { name: "simulated-0a1b2c-3", nodes: 2 },
    ]);
  });
});

describe("planHardware", () => {
  it("gives 5,000 simulated machines of a cluster their own MAC and address, outside every real network", () => {
    const all = Array.from({ length: 5000 }, (_, index) => Hardware.parse(planHardware("simulated-0a1b2c-1", index)));
    expect(new Set(all.flatMap(({ macs }) => macs)).size).toBe(5000);
    expect(new Set(all.flatMap(({ addresses }) => addresses)).size).toBe(5000);
    expect(all[0]).toMatchObject({ serial: "simulated", addresses: ["198.18.0.1"] });
    expect(all.every(({ macs }) => macs[0]?.startsWith("02:"))).toBe(true);
  });
});

describe("createTally", () => {
  it("counts simulated machines, and errors that differ only in numbers as one, the most frequent first", () => {
    let now = 1000;
    const tally = createTally(6, () => now);
    tally.add("claim", 20);
    tally.add("claim", 40);
    tally.fail(new Error("once"));
    for (const node of [1, 2, 3]) tally.fail(new Error(`node0${node} failed after ${node} s`));
    tally.end({ isReady: true, ready: 4, failed: 0 });
    tally.end({ isReady: false, ready: 0, failed: 2 });
    tally.leave("simulated-0a1b2c-2");
    now += 2500;
    expect(tally.result()).toEqual({
      simulated: true,
      machines: 6,
      readyMachines: 4,
      failedMachines: 2,
      clusters: 2,
      readyClusters: 1,
      seconds: 2.5,
      times: { claim: { count: 2, p50: 20, p95: 40, p99: 40, worst: 40 } },
      errors: [
        { message: "node01 failed after 1 s", count: 3 },
        { message: "once", count: 1 },
      ],
      left: ["simulated-0a1b2c-2"],
    });
  });
});

describe("renderSimulation", () => {
  it("prints times, errors by name, clusters that are left, and the verdict", () => {
    const tally = createTally(4, () => 0);
    tally.add("metadata", 1500);
    tally.fail(new Error("Cannot get metadata: \u001b[31mno answer"));
    tally.end({ isReady: false, ready: 0, failed: 4 });
    tally.leave("simulated-0a1b2c-1");
    expect(renderProgress(tally.progress())).toBe("Simulated machines: 0 of 4 Ready, 4 failed, 0 s");
    expect(renderSimulation(tally.result(), createStyle(false))).toBe(
      [
        "SIMULATED                    COUNT  P50     P95     P99     WORST",
        "GET metadata, with its wait  1      1.50 s  1.50 s  1.50 s  1.50 s",
        "",
        "Errors:",
        "  1 × Cannot get metadata: no answer",
        "",
        "Not deleted, and gone in an hour: simulated-0a1b2c-1",
        "",
        "0 of 4 simulated machines Ready, in 0 of 1 clusters, after 0.0 s",
        "",
      ].join("\n"),
    );
  });
});

describe("sprout simulate", () => {
  it.each([
    [["--machines", "0"], "--machines: Expected 1 to 10000, got 0"],
    [["--machines", "10001"], "--machines: Expected 1 to 10000, got 10001"],
    [["--machines", "4", "--cluster-size", "5001"], "--cluster-size: Expected 1 to 5000, got 5001"],
    [["--machines", "4", "--at-once", "0"], "--at-once: Expected 1 to 10000, got 0"],
    [["--machines", "4", "--deadline", "4s"], "--deadline: Expected 5 to 3600, got 4"],
  ])("%j is wrong usage", async (argv, message) => {
    const { exitCode, stderr } = await runSprout(["simulate", ...argv]);
    expect([exitCode, stderr]).toEqual([2, `Error: Cannot simulate machines: ${message}\n`]);
  });
});
