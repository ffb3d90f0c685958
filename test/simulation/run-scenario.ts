import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import type { Fault, Scenario } from "./faults.ts";
import { findViolations, type Violation } from "./invariants.ts";
import { persist } from "./persist.ts";
import type { ServerControl } from "./server-control.ts";
import { createSimulatedKubernetes } from "./simulated-kubernetes.ts";
import { startSimulatedNode, type SimulatedNode } from "./simulated-node.ts";
import { listSimulatedMachines } from "./simulated-provider.ts";
import { unavoidableFailure } from "./unavoidable.ts";

export interface Outcome {
  scenario: Scenario;
  state: "ready" | "failed";
  /** The server's reason for the failure. */
  failure: string | null;
  /** Set if the cluster had to fail, and says why (`unavoidableFailure`). */
  unavoidable: string | null;
  /** Faults that took place. */
  struck: Fault[];
  violations: Violation[];
  durationMs: number;
  /** From the request to the proof that every node is Ready; null if it failed. */
  readyMs: number | null;
  /** Details for debugging. */
  consoles: string;
}

export interface ScenarioOptions {
  server: ServerControl;
  folder: string;
  bootstrapper: string;
  /** Promotes the replica of the server's Redis, if it has one. */
  failOver?: () => Promise<void>;
}

const projectDir = join(import.meta.dirname, "../..");
/** Programs that are loaded into a bootstrapper before it starts, for faults inside it. */
const preloads = { "move-clock": "movable-clock.ts", "fill-disk": "full-disk.ts" } as const;

/** The executable; or the same from its sources, with a preload. */
function commandFor(faults: readonly Fault[], executable: string): readonly [string, ...string[]] {
  const loads = faults.flatMap(({ kind }) => (kind in preloads ? [preloads[kind as keyof typeof preloads]] : []));
  if (loads.length === 0) return [executable];
  const imports = loads.flatMap((name) => ["--import", join(projectDir, "test/fakes", name)]);
  return [process.execPath, ...imports, join(projectDir, "bootstrapper/main.ts")];
}

const limitMs = 180_000;
const pollMs = 15;

/** One simulated cluster's life: created, hit by its faults, ready or failed, checked, deleted. */
export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<Outcome> {
  const { server, folder } = options;
  const startedAt = performance.now();
  const kubernetes = createSimulatedKubernetes();
  const nodes = new Map<string, SimulatedNode>();
  const struck: Fault[] = [];
  const striking: Promise<void>[] = [];
  const ending = new AbortController();
  const order: string[] = [];

  const body = {
    name: `s${scenario.seed}`,
    provider: "simulated",
    controlPlanes: 1,
    workers: scenario.workers,
    deadlineSeconds: scenario.deadlineSeconds,
  };
  const created = await persist(() => server.client().create(body, { idempotencyKey: `seed-${scenario.seed}` }));
  order.push(...created.members.map(({ name }) => name));

  async function strike(fault: Fault, node: SimulatedNode): Promise<void> {
    await sleep(fault.delayMs);
    struck.push(fault);
    switch (fault.kind) {
      case "kill-node":
        return node.kill();
      case "reboot-node":
        return node.reboot();
      case "crash-server":
        return server.crash();
      case "freeze-server":
        return server.freeze(500);
      case "lose-machine":
        node.lose();
        return fault.node === 0 ? kubernetes.close() : undefined;
      case "move-clock":
        return node.moveClock(fault.seconds ?? 0);
      case "fill-disk":
        return node.fillDisk();
      case "fail-over-redis":
        return options.failOver?.();
    }
  }

  async function startMachines() {
    // A second machine of a member is found on the disk (findViolations).
    while (!ending.signal.aborted && nodes.size < order.length) {
      for (const spec of await listSimulatedMachines(folder)) {
        if (spec.clusterId !== created.id || nodes.has(spec.allocation)) continue;
        const position = order.indexOf(spec.name);
        const due = scenario.faults.filter(({ node }) => node === position);
        let printed = 0;
        const node = await startSimulatedNode({
          spec,
          folder: `${folder}/machines/${spec.allocation}`,
          bootstrapper: commandFor(due, options.bootstrapper),
          onLine() {
            printed += 1;
            for (const fault of due) if (fault.line === printed) striking.push(strike(fault, node));
          },
          onKubeletActive: (root) => kubernetes.keepKubelet({ spec, root, first: position === 0 }),
        });
        nodes.set(spec.allocation, node);
      }
      await sleep(pollMs);
    }
  }

  const starting = startMachines();
  try {
    await decided(server, created.id);
    // Faults after the verdict must not change it.
    await settle([...nodes.values()], striking);
    const cluster = await decided(server, created.id);
    const { violations, final } = await findViolations({
      server,
      folder,
      cluster,
      kubernetes,
      nodes: [...nodes.values()],
    });
    return {
      scenario,
      state: final.state === "ready" ? "ready" : "failed",
      failure: final.failure?.message ?? null,
      unavoidable: unavoidableFailure(final, struck) ?? null,
      struck,
      violations,
      durationMs: performance.now() - startedAt,
      readyMs: final.readyAt === null ? null : Date.parse(final.readyAt) - Date.parse(final.createdAt),
      consoles: [...nodes.values()].map((node) => `== ${node.spec.name}\n${node.console()}`).join("\n"),
    };
  } finally {
    ending.abort();
    await starting;
    await Promise.all([...nodes.values()].map((node) => node.close()));
    await kubernetes.close();
  }
}

/** Waits for ready or failed, even if the server crashes meanwhile. */
const decided = async (server: ServerControl, id: string): Promise<Cluster> =>
  persist(() => server.client().wait(id, { condition: "ready", timeoutMs: limitMs }));

/** Waits until every bootstrapper has exited and no fault is pending. */
async function settle(nodes: SimulatedNode[], striking: Promise<void>[]): Promise<void> {
  for (let seen = -1; seen !== striking.length;) {
    seen = striking.length;
    await Promise.all(nodes.map((node) => node.exited()));
    await Promise.all(striking);
  }
}
