import { asyncProperty, array, assert, constantFrom, nat, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedCrash, type CrashPoint, type SimulatedCrash } from "../../test/fakes/simulated-crash.ts";
import { createClusterLife, type MortalServer, type Witness } from "../../test/fixtures/cluster-life.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { reconcile } from "./reconcile.ts";

interface SimulatedServer extends MortalServer {
  current: TestServer;
  /** Machines that were launched again while they ran. */
  doubled: string[];
  restarts: number;
}

/** Restarts until a start survives. */
function createSimulatedServer(initial: TestServer, crash: SimulatedCrash, nextPoint: () => void): SimulatedServer {
  const { provider } = initial;
  const launch = provider.launch.bind(provider);
  provider.launch = async (machine, signal) => {
    if (provider.running.has(machine.allocation)) server.doubled.push(machine.name);
    await launch(machine, signal);
  };
  async function restart(): Promise<void> {
    server.restarts += 1;
    do {
      nextPoint();
      server.current = await server.current.restart();
      await reconcile(server.current.clusters).catch((error: unknown) => {
        if (!crash.dead) throw error;
      });
      await server.current.clusters.background.idle();
    } while (crash.dead);
  }
  const server: SimulatedServer = {
    current: initial,
    doubled: [],
    restarts: 0,
    async request(path, options) {
      const answer = await server.current.request(path, options);
      await server.current.clusters.background.idle();
      const isLost = crash.dead && answer.status === 500;
      if (crash.dead) await restart();
      return isLost ? undefined : answer;
    },
    settle: () => server.current.clusters.background.idle(),
    machine: async ({ name }) => provider.launched.get(name)!,
  };
  return server;
}

/** Runs a cluster from its creation to its deletion. The server dies at the given points, one after the other. */
async function live(points: readonly CrashPoint[]): Promise<{ operations: string[]; restarts: number }> {
  const crash = createSimulatedCrash();
  const left = [...points];
  const operations: string[] = [];
  const nextPoint = () => {
    operations.push(...crash.operations);
    crash.arm(left.shift());
  };
  nextPoint();
  const initial = await createTestServer({ store: crash.store, provider: crash.provider });
  const server = createSimulatedServer(initial, crash, nextPoint);
  const life = createClusterLife(server);
  try {
    const cluster = await life.create();
    await life.bringUp(cluster);
    await expectReady(server, life.witness, cluster.id);
    await life.claimAgain(cluster);
    expect(await life.kubeconfig(cluster)).toMatch(/^apiVersion: "v1"/);
    await life.extend(cluster);
    await life.remove(cluster);
    await expectGone(server, cluster.id);
    nextPoint();
    return { operations, restarts: server.restarts };
  } finally {
    await server.current.close();
  }
}

/**
 * Expects that nothing acknowledged is lost, no machine lost or doubled, and every secret has one holder and no copy
 * here.
 */
async function expectReady({ current, doubled }: SimulatedServer, witness: Witness, id: string): Promise<void> {
  const { provider, clusters } = current;
  const cluster = await current.cluster(id);
  expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
  expect((await clusters.store.clusters({ limit: 10 })).map((stored) => stored.id)).toEqual([id]);
  expect([...provider.running.keys()].toSorted()).toEqual(
    cluster.members.map(({ allocation }) => allocation).toSorted(),
  );
  expect([...provider.segments]).toEqual([id]);
  expect(doubled).toEqual([]);
  const phases = (await current.events(id)).flatMap((event) =>
    event.type === "phase" ? [`${event.member} ${event.phase} ${event.state}`] : [],
  );
  expect(phases).toEqual(witness.reports);
  for (const { name } of cluster.members) {
    expect([...witness.holders.get(name)!]).toEqual([provider.launched.get(name)!.seed.capability]);
    expect(await clusters.store.secret({ clusterId: id, member: name })).toBeUndefined();
  }
}

async function expectGone({ current }: SimulatedServer, id: string): Promise<void> {
  const { provider, clusters } = current;
  const cluster = await current.cluster(id);
  expect(cluster).toMatchObject({ state: "deleted", expiresAt: "2026-01-02T05:04:05.000Z" });
  expect([provider.running.size, provider.segments.size]).toEqual([0, 0]);
  for (const member of [null, ...cluster.members.map(({ name }) => name)])
    expect(await clusters.store.secret({ clusterId: id, member })).toBeUndefined();
  expect((await clusters.store.cluster(id))?.sealedDataKey).toBeNull();
}

const runs = 200;
const undisturbed = await live([]);

describe("A server that dies (simulated) at any operation of a cluster's life", () => {
  it("covers commits and calls of the provider", () => {
    expect(undisturbed.restarts).toBe(0);
    expect(undisturbed.operations.length).toBeGreaterThan(30);
    for (const name of ["reserve", "commit", "launch cp01.life.sprout.internal"])
      expect(undisturbed.operations).toContain(name);
  });

  it.each(
    undisturbed.operations.flatMap((name, operation) =>
      (["before", "after"] as const).map((when) => ({ operation, when, name: name.replace(/ [ac]-.*/, "") })),
    ),
  )("continues after a crash $when operation $operation ($name)", async ({ operation, when }) => {
    expect((await live([{ operation, when }])).restarts).toBe(1);
  });

  // Replay a counterexample of fast-check with `live(counterexample)`.
  it(`continues after several crashes, in ${runs} lives with random crash points`, { timeout: 180_000 }, async () => {
    const operation = nat({ max: undisturbed.operations.length - 1 });
    const point = record({ operation, when: constantFrom("before" as const, "after" as const) });
    let crashes = 0;
    const life = asyncProperty(array(point, { minLength: 2, maxLength: 5 }), async (points) => {
      crashes += (await live(points)).restarts;
    });
    await assert(life, { numRuns: runs });
    expect(crashes).toBeGreaterThan(runs);
  });
});
