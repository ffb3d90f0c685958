import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildBootstrapper } from "../../bootstrapper/build.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import type { Scenario } from "./faults.ts";
import { type Outcome, runScenario, type ScenarioOptions } from "./run-scenario.ts";
import { startServerProcess } from "./server-control.ts";

export interface RunScenariosOptions {
  folder: string;
  /** Number of parallel lanes, each with its own server. */
  lanes: number;
  bootstrapper?: string;
  onOutcome: (outcome: Outcome) => void;
}

const firstOctets = 127;
const firstPrefix = 77;

/** Runs every scenario; a lane's clusters share a server, which survives all of their crashes. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  { folder, lanes, onOutcome, ...options }: RunScenariosOptions,
): Promise<Outcome[]> {
  const { node: arch } = hostArchitecture();
  const bootstrapper = options.bootstrapper ?? join(folder, "sprout-bootstrap");
  await buildBootstrapper({ arch, outFile: bootstrapper });
  const queue = [...scenarios];
  const outcomes: Outcome[] = [];

  async function runLane(index: number): Promise<void> {
    const laneFolder = join(folder, `lane${index}`);
    await mkdir(laneFolder, { recursive: true });
    const prefix = `${firstOctets}.${firstPrefix + index}`;
    const server = await startServerProcess({ folder: laneFolder, prefix });
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const outcome = await play(next, { server, folder: laneFolder, bootstrapper });
        outcomes.push(outcome);
        onOutcome(outcome);
      }
    } finally {
      await server.close();
    }
  }

  await Promise.all(Array.from({ length: lanes }, (_, index) => runLane(index)));
  return outcomes;
}

/** A scenario that cannot finish is an outcome, too; the others continue. */
async function play(scenario: Scenario, options: ScenarioOptions): Promise<Outcome> {
  try {
    return await runScenario(scenario, options);
  } catch (error) {
    const seen = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const violations = [{ promise: "the scenario can be played", seen }];
    return {
      scenario,
      state: "failed",
      failure: null,
      struck: [],
      violations,
      durationMs: 0,
      readyMs: null,
      consoles: "",
    };
  }
}
