import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { bySprout } from "./audit.ts";
import { deleteCluster, deletionName } from "./delete-cluster.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const messages = async (id: string) =>
  (await server.events(id)).flatMap((event) => (event.type === "cluster" && event.message ? [event.message] : []));

describe("deleteCluster", () => {
  it("retries with growing pauses until the provider succeeds, and puts each failure on the timeline", async () => {
    const cluster = await server.create();
    let failures = 3;
    server.provider.fault = (operation) => {
      if (operation !== "release" || failures === 0) return;
      failures -= 1;
      throw new Error("bridge is busy");
    };
    await deleteCluster(server.clusters, { clusterId: cluster.id, by: bySprout });
    for (const delayMs of [1000, 2000, 4000]) {
      while (server.clock.pending() === 0) await new Promise(setImmediate);
      server.clock.advance(delayMs);
    }
    await server.clusters.background.idle();
    expect((await server.cluster(cluster.id)).state).toBe("deleted");
    expect(await messages(cluster.id)).toEqual([
      "Cannot delete cluster: bridge is busy; retrying in 1 s",
      "Cannot delete cluster: bridge is busy; retrying in 2 s",
      "Cannot delete cluster: bridge is busy; retrying in 4 s",
    ]);
  });

  it("names the machine that cannot be terminated, and terminates the others", async () => {
    const cluster = await server.create();
    const stuck = cluster.members[1]!;
    server.provider.fault = (operation, allocation) => {
      if (operation === "terminate" && allocation === stuck.allocation) throw new Error("process does not end");
    };
    await deleteCluster(server.clusters, { clusterId: cluster.id, by: bySprout });
    while (server.clock.pending() === 0) await new Promise(setImmediate);
    expect([...server.provider.running.keys()]).toEqual([stuck.allocation]);
    expect(await messages(cluster.id)).toEqual([
      `Cannot delete cluster: Cannot terminate ${stuck.name}: process does not end; retrying in 1 s`,
    ]);
    await server.clusters.background.stop(deletionName(cluster.id));
  });

  it("waits for a running launch, so that no machine is launched after the deletion", async () => {
    const held = Promise.withResolvers<void>();
    server.provider.fault = (operation) => (operation === "launch" ? held.promise : undefined);
    const answer = await server.request("/v1/clusters", { body: { name: "slow", nodes: 2, provider: "fake" } });
    const { id } = answer.body as { id: string };
    await deleteCluster(server.clusters, { clusterId: id, by: bySprout });
    held.resolve();
    await server.clusters.background.idle();
    expect((await server.cluster(id)).state).toBe("deleted");
    expect([server.provider.running.size, server.provider.segments.size]).toEqual([0, 0]);
  });

  it("refuses an unknown cluster", async () => {
    await expect(deleteCluster(server.clusters, { clusterId: "c-none", by: bySprout })).rejects.toMatchObject({
      code: "not-found",
      message: "There is no cluster c-none",
    });
  });
});
