import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildBootstrapper } from "../../bootstrapper/build.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import type { Scenario } from "./faults.ts";
import { type Outcome, runScenario, type ScenarioOptions } from "./run-scenario.ts";
import { startRedisPair } from "./redis-pair.ts";
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

/** Second octet of the first lane's addresses; runs at the same time, such as of `npm test`, rarely share one. */
const firstOctet = 16 + (process.pid % 40) * 5;

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
    const prefix = `127.${firstOctet + index}`;
    const server = await startServerProcess({ folder: laneFolder, prefix });
    try {
      for (let next = takeNext(); next !== undefined; next = takeNext())
        onOutcome(await play(next, { server, folder: laneFolder, bootstrapper, prefix }));
    } finally {
      await server.close();
    }
  }

  await Promise.all(Array.from({ length: lanes }, (_, index) => runLane(index)));
}

interface Playing extends ScenarioOptions {
  prefix: string;
}

/** A scenario that cannot finish is an outcome, too; the others continue. */
async function play(scenario: Scenario, options: Playing): Promise<Outcome> {
  try {
    const onRedis = scenario.faults.some(({ kind }) => kind === "fail-over-redis");
    return await (onRedis ? runOnRedis(scenario, options) : runScenario(scenario, options));
  } catch (error) {
    const seen = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const violations = [{ promise: "the scenario can be played", seen }];
    return {
      scenario,
      state: "failed",
      failure: null,
      unavoidable: null,
      struck: [],
      violations,
      durationMs: 0,
      readyMs: null,
      consoles: "",
    };
  }
}

/** With a Redis, a replica and a server of its own. */
async function runOnRedis(scenario: Scenario, { folder, prefix, ...options }: Playing): Promise<Outcome> {
  const own = join(folder, "redis");
  await mkdir(own, { recursive: true });
  await using redis = await startRedisPair();
  const server = await startServerProcess({ folder: own, prefix, settings: { store: redis.url } });
  try {
    return await runScenario(scenario, { ...options, folder: own, server, failOver: redis.failOver });
  } finally {
    await server.close();
    await rm(own, { recursive: true, force: true, maxRetries: 10 });
  }
}
