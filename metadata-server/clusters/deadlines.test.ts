import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { acceptCloudInitReport } from "../cloud-init/report.ts";
import { createClusterRecord } from "../../test/contract/store/samples.ts";
import { enforceDeadlines, findOverdue, watchDeadlines } from "./deadlines.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

async function pass(seconds: number) {
  server.clock.advance(seconds * 1000);
  await enforceDeadlines(server.clusters);
  await server.clusters.background.idle();
}
const stateOf = async ({ id }: Cluster) => (await server.cluster(id)).state;

describe("The provision allowance", () => {
  it("fails a cluster whose first control plane never calls, and names every silent machine", async () => {
    const cluster = await server.create();
    await createTestMachine(server, cluster, 1).metadata();
    await pass(29);
    expect(await stateOf(cluster)).toBe("provisioning");
    await pass(1);
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: {
        message:
          "Never called within the provision allowance of 30 s: cp01.build126.sprout.internal (launched 30 s ago), node02.build126.sprout.internal (launched 30 s ago)",
        missing: [
          { name: "cp01.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null },
          { name: "node02.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null },
        ],
      },
    });
  });

  it("adds the errors of cloud-init on machines that never called", async () => {
    const cluster = await server.create({ nodes: 5 });
    const fail = (index: number, name: string, description: string) =>
      acceptCloudInitReport(server.clusters, {
        capability: createTestMachine(server, cluster, index).capability,
        report: { name, event_type: "finish", result: "FAIL", description },
      });
    await fail(0, "modules-config/config-locale", "no locale");
    await fail(0, "modules-final/install-bootstrapper", "Cannot install sprout-bootstrap: no");
    await fail(0, "modules-final/config-scripts-vendor", "a script failed");
    for (const index of [2, 3, 4]) await fail(index, "init-network", "no");
    await fail(1, "init-network", "it called anyway");
    await createTestMachine(server, cluster, 1).metadata();
    await pass(30);
    const { message } = (await server.cluster(cluster.id)).failure!;
    expect(message.slice(message.indexOf(";"))).toBe(
      "; cloud-init failed: cp01.build126.sprout.internal: modules-config/config-locale: no locale, modules-final/install-bootstrapper: Cannot install sprout-bootstrap: no | node02.build126.sprout.internal: init-network: no | node03.build126.sprout.internal: init-network: no | and 1 more",
    );
  });

  it("does not fail a cluster for a worker that never calls", async () => {
    const cluster = await server.create();
    await createTestMachine(server, cluster, 0).metadata();
    await pass(60);
    expect(await stateOf(cluster)).toBe("bootstrapping");
  });

  it("counts from the launch, not from the request", async () => {
    const held = Promise.withResolvers<void>();
    server.provider.fault = (operation) => (operation === "launch" ? held.promise : undefined);
    const answer = await server.request("/v1/clusters", { body: { name: "late", nodes: 1, provider: "fake" } });
    const cluster = answer.body as Cluster;
    server.clock.advance(25_000);
    await enforceDeadlines(server.clusters);
    held.resolve();
    await server.clusters.background.idle();
    await pass(29);
    expect(await stateOf(cluster)).toBe("provisioning");
    await pass(1);
    expect((await server.cluster(cluster.id)).failure?.message).toBe(
      "Never called within the provision allowance of 30 s: cp01.late.sprout.internal (launched 30 s ago)",
    );
  });

  it("distinguishes machines that were not launched from those that never called", async () => {
    const held = Promise.withResolvers<void>();
    server.provider.fault = (operation, name) =>
      operation === "launch" && name.startsWith("cp01") ? held.promise : undefined;
    const answer = await server.request("/v1/clusters", { body: { name: "slow", nodes: 1, provider: "fake" } });
    const cluster = answer.body as Cluster;
    server.clock.advance(30_000);
    await enforceDeadlines(server.clusters);
    expect((await server.cluster(cluster.id)).failure?.message).toContain("cp01.slow.sprout.internal (not launched)");
    held.resolve();
    await server.clusters.background.idle();
  });
});

describe("The deadline", () => {
  it("waits ten seconds for the node's own reason, then reports what the server saw", async () => {
    const cluster = await server.create({ deadlineSeconds: 60 });
    const [first, worker] = [createTestMachine(server, cluster, 0), createTestMachine(server, cluster, 1)];
    await first.metadata();
    await first.report("verify", "started");
    await worker.metadata();
    await worker.report("kubelet", "started");
    await pass(69);
    expect(await stateOf(cluster)).toBe("bootstrapping");
    await pass(1);
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: {
        message:
          "Not ready within 60 s: cp01.build126.sprout.internal (last phase verify, 70 s ago), node01.build126.sprout.internal (last phase kubelet, 70 s ago), node02.build126.sprout.internal (never called)",
      },
    });
  });

  it("does not blame workers that finished", async () => {
    const cluster = await server.create();
    const [first, worker] = [createTestMachine(server, cluster, 0), createTestMachine(server, cluster, 1)];
    await first.metadata();
    await worker.metadata();
    await worker.report("network", "done");
    await pass(190);
    const missing = (await server.cluster(cluster.id)).failure?.missing?.map(({ name }) => name);
    expect(missing).toEqual(["cp01.build126.sprout.internal", "node02.build126.sprout.internal"]);
  });

  it("does not fail a cluster that became ready", async () => {
    const cluster = await server.create();
    await bringUp(server, cluster);
    await pass(1000);
    expect(await stateOf(cluster)).toBe("ready");
  });

  it("still counts after a restart", async () => {
    const cluster = await server.create();
    await createTestMachine(server, cluster, 0).metadata();
    server = await server.restart();
    await pass(190);
    expect(await stateOf(cluster)).toBe("failed");
  });
});

describe("The time to live", () => {
  it("deletes the cluster, ready or not", async () => {
    const cluster = await server.create({ ttlSeconds: 3600 });
    await bringUp(server, cluster);
    await pass(3599);
    expect(await stateOf(cluster)).toBe("ready");
    await pass(1);
    expect(await stateOf(cluster)).toBe("deleted");
    const events = await server.events(cluster.id);
    expect(events).toContainEqual(
      expect.objectContaining({ state: "deleting", message: "Its time to live has ended" }),
    );
  });

  it("deletes a failed cluster with its machines and network after failedTtlSeconds, even after a restart", async () => {
    const cluster = await server.create({ failedTtlSeconds: 100 });
    await pass(30);
    expect(await stateOf(cluster)).toBe("failed");
    server = await server.restart();
    await pass(99);
    expect(await stateOf(cluster)).toBe("failed");
    expect([server.provider.running.size, server.provider.segments.size]).toEqual([3, 1]);
    await pass(1);
    expect(await stateOf(cluster)).toBe("deleted");
    expect([server.provider.running.size, server.provider.segments.size]).toEqual([0, 0]);
  });
});

describe("findOverdue", () => {
  const base = { id: "c-aaaaaaaaaaaaaaaa", createdAt: 0, provisionDeadlineAt: 30_000, expiresAt: null };
  it.each([
    [{ state: "pending" }, 29_999, undefined],
    [{ state: "pending" }, 30_000, "provision-allowance"],
    [{ state: "bootstrapping", deadlineAt: 180_000 }, 189_999, undefined],
    [{ state: "bootstrapping", deadlineAt: 180_000 }, 190_000, "deadline"],
    [{ state: "bootstrapping", deadlineAt: 180_000, expiresAt: 60_000 }, 60_000, "ttl"],
    [{ state: "ready", deadlineAt: 180_000 }, 1e9, undefined],
    [{ state: "failed", failedAt: 1000, failedTtlSeconds: 0 }, 1000, "failed-ttl"],
    [{ state: "deleting", expiresAt: 1 }, 1000, undefined],
    [{ state: "deleted", expiresAt: 1 }, 1000, undefined],
  ] as const)("says of %o at %i: %s", (fields, now, expected) => {
    expect(findOverdue(createClusterRecord({ ...base, ...fields }), now)).toBe(expected);
  });
});

describe("watchDeadlines", () => {
  it("checks every second until the signal aborts, and survives a store that fails once", async () => {
    const cluster = await server.create();
    const stop = new AbortController();
    const { store } = server.clusters;
    const list = store.clusters.bind(store);
    let checks = 0;
    store.clusters = async (query) => {
      checks += 1;
      if (checks === 1) throw new Error("disk full");
      return list(query);
    };
    const watching = watchDeadlines(server.clusters, stop.signal);
    while (server.clock.pending() === 0) await new Promise(setImmediate);
    expect(server.log.at(-1)).toContain("disk full");
    server.clock.advance(30_000);
    while ((await stateOf(cluster)) !== "failed" || server.clock.pending() === 0) await new Promise(setImmediate);
    stop.abort();
    await watching;
    expect(server.clock.pending()).toBe(0);
  });
});
