import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import type { Store } from "../../metadata-server/store/store.ts";

/** `after`: the operation is done, but its result is lost. */
export interface CrashPoint {
  operation: number;
  when: "before" | "after";
}

export interface SimulatedCrash {
  /** Operations since the crash was armed: commits and provider calls, in starting order. */
  operations: string[];
  dead: boolean;
  arm(point: CrashPoint | undefined): void;
  store: (store: Store) => Store;
  provider: (provider: MachineProvider) => MachineProvider;
}

/**
 * Simulates `kill -9` inside one process: from the crash point on, this life of the server has no further
 * effect. Written data and running machines stay. Real kills of a real process are in `serve-crash.integration.test.ts`.
 */
export function createSimulatedCrash(): SimulatedCrash {
  let armed: CrashPoint | undefined;
  const die = (): never => {
    crash.dead = true;
    throw new Error("simulated crash");
  };
  async function around<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (crash.dead) die();
    crash.operations.push(name);
    const point = armed?.operation === crash.operations.length - 1 ? armed.when : undefined;
    if (point === "before") die();
    const result = await work();
    if (point === "after" || crash.dead) die();
    return result;
  }
  const crash: SimulatedCrash = {
    operations: [],
    dead: false,
    arm(point) {
      armed = point;
      crash.operations = [];
      crash.dead = false;
    },
    store: (store) => ({ ...store, commit: (changes) => around("commit", () => store.commit(changes)) }),
    provider: (provider) => ({
      ...provider,
      reserve: (request) => around("reserve", () => provider.reserve(request)),
      launch: (machine, signal) => around(`launch ${machine.name}`, () => provider.launch(machine, signal)),
      terminate: (machine) => around(`terminate ${machine.allocation}`, () => provider.terminate(machine)),
      release: (clusterId) => around(`release ${clusterId}`, () => provider.release(clusterId)),
    }),
  };
  return crash;
}
