import { asyncProperty, array, assert, constantFrom, nat, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedCrash, type CrashPoint } from "../../test/fakes/simulated-crash.ts";
import { createClusterLife, type ClusterLife } from "../../test/fixtures/cluster-life.ts";
import { createTestServer } from "../../test/fixtures/test-server.ts";

/** From POST to deleted, with the server dying at the points given, one after the other. */
async function live(points: readonly CrashPoint[]): Promise<{ operations: string[]; restarts: number }> {
  const crash = createSimulatedCrash();
  const left = [...points];
  const operations: string[] = [];
  const nextPoint = () => {
    operations.push(...crash.operations);
    crash.arm(left.shift());
  };
  const server = await createTestServer({ store: crash.store, provider: crash.provider });
  nextPoint();
  const life = createClusterLife(server, crash, nextPoint);
  try {
    const cluster = await life.create();
    await life.bringUp(cluster);
    await expectReady(life, cluster.id);
    await life.claimAgain(cluster);
    expect(await life.kubeconfig(cluster)).toMatch(/^apiVersion: "v1"/);
    await life.extend(cluster);
    await life.remove(cluster);
    await expectGone(life, cluster.id);
    nextPoint();
    return { operations, restarts: life.witness.restarts };
  } finally {
    await life.server.close();
  }
}

/** Nothing acknowledged is lost, no machine lost or doubled, every secret with one holder and destroyed here. */
async function expectReady({ server, witness }: ClusterLife, id: string): Promise<void> {
  const cluster = await server.cluster(id);
  expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
  expect((await server.clusters.store.clusters({ limit: 10 })).map((stored) => stored.id)).toEqual([id]);
  expect([...server.provider.running.keys()].toSorted()).toEqual(
    cluster.members.map(({ allocation }) => allocation).toSorted(),
  );
  expect([...server.provider.segments]).toEqual([id]);
  expect(witness.doubled).toEqual([]);
  const phases = (await server.events(id)).flatMap((event) =>
    event.type === "phase" ? [`${event.member} ${event.phase} ${event.state}`] : [],
  );
  expect(phases).toEqual(witness.reports);
  for (const { name } of cluster.members) {
    expect([...witness.holders.get(name)!]).toEqual([server.provider.launched.get(name)!.seed.capability]);
    expect(await server.clusters.store.secret({ clusterId: id, member: name })).toBeUndefined();
  }
}

async function expectGone({ server }: ClusterLife, id: string): Promise<void> {
  const cluster = await server.cluster(id);
  expect(cluster.state).toBe("deleted");
  expect(cluster.expiresAt).toBe("2026-01-02T05:04:05.000Z");
  expect([server.provider.running.size, server.provider.segments.size]).toEqual([0, 0]);
  for (const member of [null, ...cluster.members.map(({ name }) => name)])
    expect(await server.clusters.store.secret({ clusterId: id, member })).toBeUndefined();
  expect((await server.clusters.store.cluster(id))?.sealedDataKey).toBeNull();
}

const runs = 200;
const undisturbed = await live([]);

describe("A server that dies (simulated) at any operation of a cluster's life", () => {
  it("has a life of commits and calls of the provider to die at", () => {
    expect(undisturbed.restarts).toBe(0);
    expect(undisturbed.operations.length).toBeGreaterThan(30);
    for (const name of ["reserve", "commit", "launch cp01.life.sprout.internal"])
      expect(undisturbed.operations).toContain(name);
  });

  it.each(
    undisturbed.operations.flatMap((name, operation) =>
      (["before", "after"] as const).map((when) => ({ operation, when, name: name.replace(/ [ac]-.*/, "") })),
    ),
  )("goes on after a crash $when operation $operation ($name)", async ({ operation, when }) => {
    expect((await live([{ operation, when }])).restarts).toBe(1);
  });

  // Replay what fast-check prints: `live(counterexample)`.
  it(`goes on after several crashes, ${runs} lives at random points`, { timeout: 180_000 }, async () => {
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
