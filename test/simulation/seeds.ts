import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planScenario } from "./faults.ts";
import type { Outcome } from "./run-scenario.ts";
import { runScenarios } from "./run-scenarios.ts";

const seedsPerTest = 50;
const lanes = 2;
/** A cluster takes two to three seconds of processor time, on a busy machine ten times as long. */
const timeoutMs = 1_500_000;

/** One test for each fifty seeds from `from` to `to`, both included. */
export function describeSeeds({ from, to }: { from: number; to: number }): void {
  const batches = Array.from({ length: Math.ceil((to - from + 1) / seedsPerTest) }, (_, index) => ({
    from: from + index * seedsPerTest,
    to: Math.min(from + (index + 1) * seedsPerTest - 1, to),
  }));

  // Every node has its own address in 127.0.0.0/8, which only Linux provides without configuration.
  describe.skipIf(process.platform !== "linux")("simulated clusters with faults", () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "sprout-simulation-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

    it.each(batches)(
      "seeds $from to $to: every simulated cluster is Ready or had to fail and says why, and every promise is kept",
      async (batch) => {
        const scenarios = Array.from({ length: batch.to - batch.from + 1 }, (_, index) =>
          planScenario(batch.from + index),
        );
        const outcomes: Outcome[] = [];
        await runScenarios(scenarios, { folder, lanes, onOutcome: (outcome) => outcomes.push(outcome) });
        const broken = outcomes.filter((outcome) => !isAsItMustBe(outcome));
        expect(broken.map(describeOutcome)).toEqual([]);
        expect(outcomes).toHaveLength(scenarios.length);
        expect(outcomes.flatMap(({ struck }) => struck).length).toBeGreaterThan(scenarios.length / 2);
      },
      timeoutMs,
    );
  });
}

const isAsItMustBe = ({ state, unavoidable, violations }: Outcome) =>
  (state === "ready" || unavoidable !== null) && violations.length === 0;

const describeOutcome = ({ scenario, state, failure, violations }: Outcome) => ({
  replay: `npm run simulate -- --seed ${scenario.seed}`,
  state,
  failure,
  violations,
});
