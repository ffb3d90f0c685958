import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { reconcile } from "../../metadata-server/clusters/reconcile.ts";
import { createDetachableCluster, type DetachableCluster, fullName } from "../fixtures/detachable-cluster.ts";
import { createTestMachine } from "../fixtures/test-machine.ts";
import { problemOf, refusal } from "../fixtures/test-server.ts";

let on: DetachableCluster;
beforeEach(async () => {
  const body = { nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [{ name: "gpu", workers: 2 }] };
  on = await createDetachableCluster(body);
});
afterEach(() => on.close());

const patch = (pool: string, body: unknown) =>
  on.server.request(`/v1/clusters/${on.cluster.id}/node-pools/${pool}`, { method: "PATCH", body });
const attach = (body: object) => on.server.request(`/v1/clusters/${on.cluster.id}/members`, { method: "POST", body });
/** Decides, and waits for nothing. */
async function decide(pool: string, workers: number, more: object = {}): Promise<Cluster> {
  const answer = await patch(pool, { workers, ...more });
  expect([answer.status, answer.text]).toEqual([202, expect.any(String)]);
  return answer.body as Cluster;
}
async function scale(pool: string, workers: number, more: object = {}): Promise<Cluster> {
  await decide(pool, workers, more);
  await on.settle();
  return on.server.cluster(on.cluster.id);
}
const poolOf = async (name = "gpu") =>
  (await on.server.cluster(on.cluster.id)).nodePools.find((pool) => pool.name === name);
const before = ["cp01 ready", "node01 ready", "node02 ready", "node03 ready"];

async function join(cluster: Cluster, index: number) {
  const machine = createTestMachine(on.server, cluster, index);
  await machine.metadata();
  await machine.claim();
  await machine.confirm();
  await machine.report("verify", "done");
}

describe("PATCH /v1/clusters/{id}/node-pools/{name}", () => {
  it("attaches the workers that are missing to that pool, and nothing if it is repeated", async () => {
    const grown = await scale("gpu", 4);
    expect(await on.states()).toEqual([...before, "node04 launched", "node05 launched"]);
    expect(grown.members.map(({ nodePool }) => nodePool)).toEqual([null, "default", "gpu", "gpu", "gpu", "gpu"]);
    expect(await poolOf()).toEqual({ name: "gpu", workers: 4, members: 4, ready: 2 });
    await join(grown, 4);
    expect(await poolOf()).toMatchObject({ ready: 3 });
    const events = await on.messages();
    await scale("gpu", 4);
    expect(await on.messages()).toEqual(events);
    await scale("default", 2);
    expect(await poolOf("default")).toEqual({ name: "default", workers: 2, members: 2, ready: 1 });
  });

  it("drains ten workers side by side, the newest first, within one drain's time", async () => {
    const grown = await scale("gpu", 12);
    for (const [index, { name }] of grown.members.entries())
      if (index > 3) {
        on.kubernetes.nodes.set(name, { isReady: true, isCordoned: false });
        await join(grown, index);
      }
    for (const { name } of grown.members) on.kubernetes.pods.set(`web-${name}`, { node: name });
    const decided = await decide("gpu", 2, { drainTimeoutSeconds: 30 });
    const leaving = decided.members.filter(({ state }) => state === "detaching").map(({ name }) => name.split(".")[0]);
    expect(leaving).toEqual(["04", "05", "06", "07", "08", "09", "10", "11", "12", "13"].map((n) => `node${n}`));
    expect(decided.nodePools[1]).toEqual({ name: "gpu", workers: 2, members: 12, ready: 2 });
    const startedAt = on.server.clock.now();
    await on.settle();
    expect(on.server.clock.now() - startedAt).toBeLessThan(30_000);
    expect(await on.states()).toEqual(before);
    expect(on.server.provider.running.size).toBe(4);
  });

  it("detaches workers that have failed before newer ones", async () => {
    on.server.provider.fault = (operation, name) => {
      if (operation === "launch" && name.startsWith("node04")) throw new Error("out of memory");
    };
    await scale("gpu", 4);
    expect(await on.states()).toEqual([...before, "node04 failed", "node05 launched"]);
    await scale("gpu", 3);
    expect(await on.states()).toEqual([...before, "node05 launched"]);
  });

  it("takes the number of a later request while workers come up or leave", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node03") });
    on.refuseEvictions();
    await decide("gpu", 1, { drainTimeoutSeconds: 3600 });
    expect(await poolOf()).toEqual({ name: "gpu", workers: 1, members: 2, ready: 1 });
    await decide("gpu", 3);
    expect(await poolOf()).toEqual({ name: "gpu", workers: 3, members: 4, ready: 1 });
    on.kubernetes.fault = () => undefined;
    await scale("gpu", 1);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
    expect(on.server.provider.running.size).toBe(3);
  });

  it("leaves no machine of a worker whose launch has not ended", async () => {
    const launch = Promise.withResolvers<void>();
    on.server.provider.fault = (operation) => (operation === "launch" ? launch.promise : undefined);
    await decide("gpu", 3);
    await decide("gpu", 2);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(await poolOf()).toEqual({ name: "gpu", workers: 2, members: 3, ready: 2 });
    launch.resolve();
    await on.settle();
    expect(await on.states()).toEqual(before);
    expect(on.server.provider.running.size).toBe(4);
  });

  it("says which pod and budget keep a worker, drains it again if it is repeated, and keeps it if it is wanted", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node03") });
    on.refuseEvictions();
    const tight = { drainTimeoutSeconds: 5 };
    const kept = await scale("gpu", 1, tight);
    expect(await on.states()).toEqual(before);
    expect(kept.nodePools[1]).toEqual({ name: "gpu", workers: 1, members: 2, ready: 2 });
    expect(kept.members[3]?.detachFailure?.error).toContain(
      "pod default/web-1 (The disruption budget web needs 1 healthy pods and has 1)",
    );
    const { length } = await on.messages();
    await scale("gpu", 1, tight);
    expect((await on.messages()).length).toBeGreaterThan(length);
    const wanted = await scale("gpu", 2);
    expect(wanted.nodePools[1]).toMatchObject({ workers: 2, members: 2 });
    expect(wanted.members[3]?.detachFailure).toBeNull();
    await scale("gpu", 1, { drainTimeoutSeconds: 1, force: true });
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
  });

  it("empties a pool, which stays, and fills it again with names that were never used", async () => {
    await scale("gpu", 0);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    expect(await poolOf()).toEqual({ name: "gpu", workers: 0, members: 0, ready: 0 });
    await scale("gpu", 1);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node04 launched"]);
  });

  it("gives the pool the number of one of eight requests at once", async () => {
    await Promise.all([3, 1, 4, 2, 5, 0, 6, 3].map((workers) => decide("gpu", workers)));
    await on.settle();
    const pool = await poolOf();
    expect(pool?.workers).toBe(pool?.members);
    expect(on.server.provider.running.size).toBe(2 + (pool?.members ?? 0));
  });

  it("resumes after a crash of the server", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node03") });
    on.refuseEvictions();
    await decide("gpu", 0);
    await on.restart();
    on.kubernetes.fault = () => undefined;
    await reconcile(on.server.clusters);
    await on.settle();
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
  });

  it("refuses numbers that no pool has, pools that do not exist, and clusters that are not ready", async () => {
    for (const body of [
      {},
      { workers: -1 },
      { workers: 5001 },
      { workers: 1, drainTimeoutSeconds: 3601 },
      { nodes: 1 },
    ])
      expect(refusal(await patch("gpu", body))).toBe("400 invalid-request");
    expect(refusal(await patch("gpu", { workers: 5000 }))).toBe("400 invalid-request");
    expect(problemOf(await patch("cpu", { workers: 1 }), "404 not-found").detail).toBe(
      "Cluster build126 has no node pool cpu; there are: default, gpu",
    );
    const young = await on.server.create({ name: "young" });
    const path = `/v1/clusters/${young.id}/node-pools/default`;
    expect(refusal(await on.server.request(path, { method: "PATCH", body: { workers: 9 } }))).toBe("409 not-ready");
    expect(await on.states()).toEqual(before);
  });
});

describe("POST /v1/clusters/{id}/members with nodePool", () => {
  it("attaches workers to that pool", async () => {
    const answer = await attach({ workers: 1, nodePool: "gpu" });
    expect((answer.body as Cluster).members.at(-1)).toMatchObject({ name: fullName("node04"), nodePool: "gpu" });
    await attach({ workers: 1, nodePool: "default" });
    await on.settle();
    expect((await on.server.cluster(on.cluster.id)).nodePools.map(({ workers }) => workers)).toEqual([2, 3]);
  });

  it("refuses a pool that does not exist, and control planes in a pool", async () => {
    expect(refusal(await attach({ workers: 1, nodePool: "cpu" }))).toBe("404 not-found");
    expect(refusal(await attach({ controlPlanes: 2, nodePool: "gpu" }))).toBe("400 invalid-request");
  });
});
