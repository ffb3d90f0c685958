import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { planReal } from "./plan-real.ts";
import { createProgress } from "./progress.ts";
import { createProof, readSigned, writeSigned } from "./proof.ts";
import { renderProof } from "./render-proof.ts";
import { summarize } from "./summarize.ts";
import { openTrialJournal } from "./trial-journal.ts";
import type { SeriesName, Trial } from "./trial.ts";

const subject = { commit: "0123456789abcdef", kubernetesVersion: "v1.37.2" };
const trial = (seed: number, changes: Partial<Trial> = {}): Trial => ({
  series: "simulated",
  seed,
  provider: "simulated",
  kubernetesVersion: "v1.37.2",
  nodes: 2,
  faults: ["kill-node"],
  readySeconds: 2,
  availableSeconds: null,
  cpuSeconds: 3,
  unavoidable: null,
  failure: null,
  ...changes,
});
const many = (count: number, changes: Partial<Trial> & { series?: SeriesName } = {}) =>
  Array.from({ length: count }, (_, index) => trial(index + 1, changes));
const failed = { readySeconds: null, failure: "cp01 failed in phase claim: no answer" };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-prove-"));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (changes: object = {}) => openTrialJournal(join(folder, "trials.jsonl"), { ...subject, ...changes });

describe("openTrialJournal", () => {
  it("knows the trials of an interrupted run, without a line that a crash cut short", async () => {
    const journal = await open();
    await journal.add(trial(1));
    await journal.add(trial(2, failed));
    await appendFile(join(folder, "trials.jsonl"), '{"series":"simulated","seed":3,"prov');
    const reopened = await open();
    expect(reopened.trials).toEqual([trial(1), trial(2, failed)]);
    expect([1, 2, 3].map((seed) => reopened.has({ series: "simulated", seed }))).toEqual([true, true, false]);
    expect(reopened.has({ series: "real", seed: 1 })).toBe(false);
    await reopened.add(trial(3));
    expect((await open()).trials).toHaveLength(3);
  });

  it("refuses trials of another commit or version, and says what to do", async () => {
    await open();
    await expect(open({ commit: "fedcba" })).rejects.toThrow(
      /are of commit 0123456789abcdef, and this is fedcba; remove the file, or name another with --folder$/,
    );
    await expect(open({ kubernetesVersion: "v1.36.3" })).rejects.toThrow("of kubernetesVersion v1.37.2");
  });
});

describe("summarize", () => {
  it("counts clusters and nodes; a cluster that failed counts with all its nodes", () => {
    const [summary, ...others] = summarize([...many(3), trial(4, { nodes: 4, ...failed })]);
    expect(others).toEqual([]);
    expect(summary).toEqual({
      series: "simulated",
      clusters: 4,
      readyClusters: 3,
      nodes: 10,
      readyNodes: 6,
      faults: 4,
      ready: { p50: 2, p95: 2, p99: 2, worst: 2 },
      available: null,
      cpuSecondsPerNode: 1.2,
      failures: [{ seed: 4, failure: failed.failure }],
      unavoidable: [],
    });
  });

  it("counts a cluster that had to fail neither as Ready nor as failed, unless a promise was broken", () => {
    const lost = { nodes: 3, readySeconds: null, unavoidable: "Not ready within 30 s: cp01 (last phase claim)" };
    const broken = { ...lost, failure: "not kept: the timeline has no gaps" };
    const [summary] = summarize([...many(2), trial(3, lost), trial(4, broken)]);
    expect(summary).toMatchObject({ clusters: 3, readyClusters: 2, nodes: 7, readyNodes: 4, faults: 4 });
    expect(summary?.cpuSecondsPerNode).toBeCloseTo(1.2);
    expect(summary?.unavoidable).toEqual([{ seed: 3, reason: lost.unavoidable }]);
    expect(summary?.failures).toEqual([{ seed: 4, failure: broken.failure }]);
  });
});

describe("judge", () => {
  it("accepts one simulated node in 2,000 that failed, and no real cluster", () => {
    expect(judge(summarize([...many(1999), trial(2000, failed)]), [])).toEqual([]);
    expect(judge(summarize([...many(998), trial(999, failed), trial(1000, failed)]), [])).toEqual([
      "simulated: 99.800 % of the nodes are Ready, fewer than 99.950 %",
    ]);
    expect(judge(summarize([...many(499, { series: "real" }), trial(500, { series: "real", ...failed })]), [])).toEqual(
      ["real: 1 of 500 clusters failed"],
    );
  });

  it("finds what is worse than before by more than the noise", () => {
    const before = summarize(many(2000));
    expect(judge(summarize(many(2000, { readySeconds: 2.2 })), before)).toEqual([]);
    expect(judge(summarize(many(2000, { readySeconds: 2.5 })), before)).toEqual([
      "simulated: ready after 2.5 s (p50), 2.0 s before",
    ]);
    const lossy = (losses: number) =>
      summarize([...many(100_000 - losses), ...Array.from({ length: losses }, (_, index) => trial(index, failed))]);
    expect(judge(lossy(8), lossy(4))).toEqual([]);
    expect(judge(lossy(40), lossy(4))).toEqual(["simulated: 99.960 % of the nodes are Ready, 99.996 % before"]);
  });

  it("compares a series only with itself", () => {
    expect(judge(summarize(many(100, { series: "real", readySeconds: 9 })), summarize(many(100)))).toEqual([]);
  });
});

describe("A proof", () => {
  const proof = createProof(subject, {
    trials: [...many(3), trial(4, { ...failed, failure: "cp01 failed:\n  no answer" })],
    now: new Date("2026-12-01T10:00:00Z"),
  });
  const write = async () => {
    const file = join(folder, "proof.json");
    await writeSigned(file, proof, {});
    return file;
  };

  it("verifies by its signature, by openssl too, and not once a byte is changed", async () => {
    const file = await write();
    expect(await readSigned(file)).toEqual(proof);
    const verify = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", `${file}.pub`, "-in", file];
    expect(execFileSync("openssl", [...verify, "-sigfile", `${file}.sig`]).toString()).toContain(
      "Verified Successfully",
    );
    await writeFile(file, (await readFile(file, "utf8")).replace('"readyNodes": 6', '"readyNodes": 8'));
    await expect(readSigned(file)).rejects.toThrow("its signature is not by the key in");
  });

  it("does not verify by another key", async () => {
    const file = await write();
    const other = join(folder, "other.json");
    await writeSigned(other, proof, {});
    await expect(readSigned(file, { keyFile: `${other}.pub` })).rejects.toThrow("Cannot trust");
  });

  it("prints a row for each series, and each failure with the command that repeats it", () => {
    const text = renderProof(proof);
    expect(text).toContain("Commit 0123456789ab, Kubernetes v1.37.2, 2026-12-01;");
    expect(text).toContain(
      "| simulated machines, with faults | 3 of 4 (75.000 %) | 6 of 8 (75.000 %) | 4 | 2.0 / 2.0 / 2.0 / 2.0 | – | 1.50 |",
    );
    expect(text).toContain("- `npm run simulate -- --seed 4`: cp01 failed: no answer");
    expect(renderProof({ ...proof, series: summarize(many(1)) })).toContain("No cluster failed.");
  });

  it("lists clusters that had to fail apart from those that failed", () => {
    const lost = { readySeconds: null, unavoidable: "Not ready within 30 s: cp01 (last phase claim)" };
    const series = summarize([...many(2), ...Array.from({ length: 8 }, (_, index) => trial(10 + index, lost))]);
    const text = renderProof({ ...proof, series });
    expect(text).toContain("2 of 2 (100.000 %)");
    expect(text).toContain("No cluster failed.\n\nNot in the table: 8 clusters that had to fail");
    expect(text.match(/^- `npm run simulate/gm)).toHaveLength(6);
    expect(text).toContain("- `npm run simulate -- --seed 10`: Not ready within 30 s: cp01 (last phase claim)");
  });
});

describe("createProgress", () => {
  it("prints every so many trials how many are left, and how long they take at the pace so far", () => {
    const lines: string[] = [];
    let now = 0;
    const seeds = { simulated: Array.from({ length: 5 }, (_, index) => index), real: [7], "real-faults": [] };
    const progress = createProgress(seeds, { print: (line) => lines.push(line), now: () => now, every: 2 });
    for (let done = 0; done < 5; done += 1) {
      progress.count("simulated");
      now += 3_600_000;
    }
    progress.count("real");
    expect(lines).toEqual([
      "simulated: 1 of 5 done, 4 left",
      "simulated: 3 of 5 done, 2 left, about 2 h 0 min",
      "simulated: 5 of 5 done",
      "real: 1 of 1 done",
    ]);
  });
});

describe("planReal", () => {
  it("gives every seed one to three workers and faults on nodes that exist; one in ten has three control planes", () => {
    const plans = Array.from({ length: 300 }, (_, index) => planReal(index + 1));
    expect(plans.filter(({ controlPlanes }) => controlPlanes === 3)).toHaveLength(30);
    for (const { controlPlanes, workers, faults } of plans) {
      expect([1, 2, 3]).toContain(workers);
      expect([1, 2, 3]).toContain(faults.length);
      for (const { node } of faults) expect(node).toBeLessThan(controlPlanes + workers);
    }
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect(kinds).toEqual(new Set(["kill-bootstrapper", "cut-power", "drop-packets"]));
    expect(planReal(7)).toEqual(planReal(7));
  });
});
