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
  /** Once aborted, no further scenario begins. */
  signal?: AbortSignal;
}

const firstOctets = 127;
const firstPrefix = 77;

/**
 * Runs every scenario; a lane's clusters share a server, which survives all of their crashes. Outcomes are not kept:
 * thousands of them hold as many consoles.
 */
export async function runScenarios(
  scenarios: readonly Scenario[],
  { folder, lanes, onOutcome, signal, ...options }: RunScenariosOptions,
): Promise<void> {
  const { node: arch } = hostArchitecture();
  const bootstrapper = options.bootstrapper ?? join(folder, "sprout-bootstrap");
  await buildBootstrapper({ arch, outFile: bootstrapper });
  const queue = [...scenarios];
  const takeNext = () => (signal?.aborted ? undefined : queue.shift());

  async function runLane(index: number): Promise<void> {
    const laneFolder = join(folder, `lane${index}`);
    await mkdir(laneFolder, { recursive: true });
    const prefix = `${firstOctets}.${firstPrefix + index}`;
    const server = await startServerProcess({ folder: laneFolder, prefix });
    try {
      for (let next = takeNext(); next !== undefined; next = takeNext())
        onOutcome(await play(next, { server, folder: laneFolder, bootstrapper }));
    } finally {
      await server.close();
    }
  }

  await Promise.all(Array.from({ length: lanes }, (_, index) => runLane(index)));
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
