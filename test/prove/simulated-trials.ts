import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planScenario } from "../simulation/faults.ts";
import type { Outcome } from "../simulation/run-scenario.ts";
import { runScenarios } from "../simulation/run-scenarios.ts";
import type { Trial } from "./trial.ts";

interface SimulatedTrials {
  seeds: readonly number[];
  lanes: number;
  /** Processor time since the last call. */
  cpuSeconds: () => Promise<number>;
  onTrial: (trial: Trial) => Promise<void>;
  signal: AbortSignal;
}

/** Brings up simulated clusters with the faults of their seeds: the real server and bootstrapper, and fake kubelets. */
export async function runSimulatedTrials({
  seeds,
  lanes,
  cpuSeconds,
  onTrial,
  signal,
}: SimulatedTrials): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sprout-prove-"));
  let written = Promise.resolve();
  await runScenarios(seeds.map(planScenario), {
    folder: folder.path,
    lanes,
    signal,
    onOutcome(outcome) {
      written = written.then(async () => onTrial(toTrial(outcome, await cpuSeconds())));
    },
  });
  await written;
}

function toTrial(outcome: Outcome, cpuSeconds: number): Trial {
  const { scenario, state, failure, unavoidable, struck, violations, readyMs } = outcome;
  const [broken = null] = violations.map(({ promise, seen }) => `not kept: ${promise}: ${seen}`);
  const isReady = state === "ready";
  return {
    series: "simulated",
    seed: scenario.seed,
    provider: "simulated",
    kubernetesVersion: defaultKubernetesVersion,
    nodes: scenario.workers + 1,
    faults: struck.map(({ kind }) => kind),
    readySeconds: isReady && readyMs !== null ? readyMs / 1000 : null,
    availableSeconds: null,
    cpuSeconds,
    unavoidable,
    failure: isReady || unavoidable !== null ? broken : (failure ?? broken ?? "no reason given"),
  };
}
