import { messageOf } from "#lib/errors.ts";
import { type Quantiles, quantiles } from "#lib/quantiles.ts";
import type { MeasuredCall } from "../../bootstrapper/simulated/bring-up.ts";

/** What is measured, in the order of a bring-up. `ready` is a cluster's time by the server's clock. */
export const measures = ["create", "user-data", "metadata", "claim", "confirm", "report", "ready"] as const;
type Measure = (typeof measures)[number] | MeasuredCall;

/** How far a simulation has come. */
export interface Progress {
  machines: number;
  readyMachines: number;
  failedMachines: number;
  /** Whose machines have ended. */
  clusters: number;
  readyClusters: number;
  seconds: number;
}

/** What `sprout simulate` prints with `--json`; times in milliseconds. */
export interface Simulation extends Progress {
  simulated: true;
  times: Partial<Record<Measure, Quantiles & { count: number }>>;
  /** Most frequent first; messages that differ only in numbers count as one. */
  errors: { message: string; count: number }[];
  /** Clusters that could not be deleted; the server deletes them when their time to live ends. */
  left: string[];
}

/** Counts what happens to simulated machines. */
export interface Tally {
  time<T>(measure: Measure, work: () => Promise<T>): Promise<T>;
  add: (measure: Measure, milliseconds: number) => void;
  fail: (error: unknown) => void;
  /** Counts a cluster whose machines have ended. */
  end(cluster: { isReady: boolean; ready: number; failed: number }): void;
  leave(cluster: string): void;
  progress(): Progress;
  result(): Simulation;
}

const mostErrors = 20;

export function createTally(machines: number, now: () => number): Tally {
  const startedAt = now();
  const times = new Map<Measure, number[]>();
  const errors = new Map<string, { message: string; count: number }>();
  const counts = { readyMachines: 0, failedMachines: 0, clusters: 0, readyClusters: 0 };
  const left: string[] = [];
  const add = (measure: Measure, milliseconds: number) => {
    const own = times.get(measure) ?? [];
    own.push(milliseconds);
    times.set(measure, own);
  };
  const progress = () => ({ machines, ...counts, seconds: (now() - startedAt) / 1000 });
  return {
    add,
    progress,
    async time(measure, work) {
      const begunAt = now();
      const result = await work();
      add(measure, now() - begunAt);
      return result;
    },
    fail(error) {
      const message = messageOf(error);
      const kind = message.replaceAll(/\d+/g, "#");
      const known = errors.get(kind) ?? { message, count: 0 };
      known.count += 1;
      errors.set(kind, known);
    },
    end({ isReady, ready, failed }) {
      counts.clusters += 1;
      counts.readyClusters += isReady ? 1 : 0;
      counts.readyMachines += ready;
      counts.failedMachines += failed;
    },
    leave: (cluster) => void left.push(cluster),
    result: () => ({
      simulated: true,
      ...progress(),
      times: Object.fromEntries(
        measures.flatMap((measure) => {
          const own = times.get(measure) ?? [];
          const found = quantiles(own);
          return found === null ? [] : [[measure, { count: own.length, ...found }]];
        }),
      ),
      errors: [...errors.values()].toSorted((one, other) => other.count - one.count).slice(0, mostErrors),
      left: [...left],
    }),
  };
}
