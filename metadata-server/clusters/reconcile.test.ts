import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { enforceDeadlines } from "./deadlines.ts";
import { reconcile } from "./reconcile.ts";
import { patience } from "../../test/fixtures/patience.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

async function restart() {
  server = await server.restart();
  server.provider.fault = () => undefined;
  await reconcile(server.clusters);
  await server.clusters.background.idle();
}

const killed = () => new Promise<void>((_, reject) => setImmediate(() => reject(new Error("killed"))));

/** Crashes during a launch: the call to the provider never returns. */
async function createInterrupted(): Promise<Cluster> {
  server.provider.fault = (operation) => (operation === "launch" ? killed() : undefined);
  const background = server.clusters.background;
  const answer = await server.request("/v1/clusters", { body: { name: "cut", nodes: 2, provider: "fake" } });
  await background.close();
  return answer.body as Cluster;
}

/** The failure is logged and put on the timeline before the pause begins. */
async function untilRetryWaits() {
  await expect.poll(() => server.clock.pending(), patience).toBe(1);
}

describe("reconcile", () => {
  it("resumes an interrupted launch with new capabilities, and the machines come up", async () => {
    const cluster = await createInterrupted();
    await restart();
    const current = await server.cluster(cluster.id);
    expect(current.members.map(({ state }) => state)).toEqual(["launched", "launched"]);
    await bringUp(server, current);
    expect((await server.cluster(cluster.id)).state).toBe("ready");
  });

  it("retries a launch until its provider is reachable, and puts the reason on the timeline", async () => {
    const cluster = await createInterrupted();
    server = await server.restart();
    let refusals = 2;
    server.provider.fault = (operation) => {
      if (operation === "reserve" && (refusals -= 1) >= 0) throw new Error("no answer");
    };
    await reconcile(server.clusters);
    const entries = async () =>
      (await server.events(cluster.id)).flatMap((event) => ("message" in event && event.message) || []);
    for (const seconds of [1, 2]) {
      const message = `Cannot resume launch: no answer; retrying in ${seconds} s`;
      await expect.poll(entries, patience).toContain(message);
      await untilRetryWaits();
      server.clock.advance(seconds * 1000);
    }
    await server.clusters.background.idle();
    expect((await server.cluster(cluster.id)).members.map(({ state }) => state)).toEqual(["launched", "launched"]);
  });

  it("terminates a machine whose capability it has replaced, instead of adopting it", async () => {
    const machine = { id: "i-1", address: "10.77.0.11", mac: "52:54:00:00:00:00", description: "late", identity: {} };
    const asked: string[] = [];
    await server.close();
    server = await createTestServer({
      provider: (provider) => ({
        ...provider,
        // The provider knows the machine when it is asked to adopt it.
        adopt: async ({ allocation }) => (asked.push(allocation) > 1 ? machine : undefined),
      }),
    });
    const cluster = await server.create({ nodes: 1 });
    const old = createTestMachine(server, cluster, 0);
    const record = (await server.clusters.store.member(cluster.id, old.name))!;
    await server.clusters.store.commit({ members: [{ ...record, state: "pending", launchedAt: null }] });
    server = await server.restart();
    let refusals = 1;
    server.provider.fault = (operation) => {
      if (operation === "terminate" && (refusals -= 1) >= 0) throw new Error("no answer");
    };
    await reconcile(server.clusters);
    await untilRetryWaits();
    expect(server.log.join("\n")).toContain("no answer");
    server.clock.advance(1000);
    await server.clusters.background.idle();
    expect(asked).toEqual([old.allocation]);
    await bringUp(server, await server.cluster(cluster.id));
    expect((await server.cluster(cluster.id)).state).toBe("ready");
  });

  it("abandons a launch when its cluster fails", async () => {
    const cluster = await createInterrupted();
    server = await server.restart();
    server.provider.fault = (operation) => {
      if (operation === "reserve") throw new Error("no answer");
    };
    await reconcile(server.clusters);
    await untilRetryWaits();
    expect(server.log.join("\n")).toContain("no answer");
    server.clock.advance(30_000);
    await enforceDeadlines(server.clusters);
    server.clock.advance(30_000);
    await server.clusters.background.idle();
    expect((await server.cluster(cluster.id)).state).toBe("failed");
  });

  it("revokes the old capability of a machine that it launches again", async () => {
    const cluster = await server.create({ nodes: 1 });
    const old = createTestMachine(server, cluster, 0);
    const record = (await server.clusters.store.member(cluster.id, old.name))!;
    await server.clusters.store.commit({ members: [{ ...record, state: "pending", launchedAt: null }] });
    await restart();
    const again = createTestMachine(server, cluster, 0);
    expect(again.capability).not.toBe(old.capability);
    expect(refusal(await server.request(`/node/v1/metadata?mac=${old.mac}`, { token: old.capability }))).toBe(
      "403 wrong-machine",
    );
    expect((await again.claim()).allocation).toBe(old.allocation);
  });

  it("does not launch machines again that run or have called", async () => {
    const cluster = await server.create();
    const machine = createTestMachine(server, cluster, 1);
    await machine.metadata();
    const record = (await server.clusters.store.member(cluster.id, machine.name))!;
    await server.clusters.store.commit({ members: [{ ...record, launchedAt: null }] });
    const before = [...server.provider.launched.values()];
    await restart();
    expect([...server.provider.launched.values()]).toEqual(before);
    await createTestMachine(server, cluster, 1).claim();
  });

  it("keeps a machine that calls just before its second launch", async () => {
    const cluster = await server.create({ nodes: 1 });
    const machine = createTestMachine(server, cluster, 0);
    const record = (await server.clusters.store.member(cluster.id, machine.name))!;
    await server.clusters.store.commit({ members: [{ ...record, state: "pending", launchedAt: null }] });
    server = await server.restart();
    const ended: string[] = [];
    server.provider.fault = async (operation, name) => {
      if (operation === "terminate") ended.push(name);
      // After reconcile has read the member: the machine runs, but its launch was not recorded.
      if (operation === "reserve") await createTestMachine(server, cluster, 0).metadata();
    };
    await reconcile(server.clusters);
    await server.clusters.background.idle();
    expect(ended).toEqual([]);
    expect(server.provider.running.size).toBe(1);
    expect((await createTestMachine(server, cluster, 0).claim()).allocation).toBe(machine.allocation);
  });

  it("resumes a deletion", async () => {
    const cluster = await server.create();
    server.provider.fault = (operation) => {
      if (operation === "terminate") throw new Error("not now");
    };
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await restart();
    expect((await server.cluster(cluster.id)).state).toBe("deleted");
    expect(server.provider.running.size).toBe(0);
  });

  it("terminates machines and releases networks that no cluster owns, and no others", async () => {
    const cluster = await server.create();
    const own = [...server.provider.running.keys()];
    const strays = [
      { clusterId: "c-gone", allocation: "a-gone" },
      { clusterId: cluster.id, allocation: "a-foreign" },
    ];
    for (const stray of strays) server.provider.running.set(stray.allocation, stray);
    server.provider.segments.add("c-gone");
    await restart();
    expect([...server.provider.running.keys()]).toEqual(own);
    expect([...server.provider.segments]).toEqual([cluster.id]);
  });

  it("logs what it cannot remove, and succeeds anyway", async () => {
    server.provider.segments.add("c-gone");
    server = await server.restart();
    server.provider.fault = () => {
      throw new Error("bridge is busy");
    };
    await reconcile(server.clusters);
    expect(server.log.at(-1)).toContain("bridge is busy");
  });
});
