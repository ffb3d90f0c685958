import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { bringUp } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { enforceDeadlines } from "./deadlines.ts";

const yearSeconds = 365 * 86_400;

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const extend = (id: string, body: unknown) => server.request(`/v1/clusters/${id}`, { method: "PATCH", body });
async function pass(seconds: number) {
  server.clock.advance(seconds * 1000);
  await enforceDeadlines(server.clusters);
  await server.clusters.background.idle();
}

describe("PATCH /v1/clusters/:id", () => {
  it("moves the end of a ready cluster, even across a restart, and puts it on the timeline", async () => {
    const cluster = await server.create({ ttlSeconds: 3600 });
    await bringUp(server, cluster);
    await pass(3000);
    const answer = await extend(cluster.id, { ttlSeconds: 7200 });
    expect(answer.status).toBe(200);
    expect(Cluster.parse(answer.body).expiresAt).toBe("2026-01-02T05:54:05.000Z");
    expect(await server.cluster(cluster.id)).toEqual(answer.body);
    expect((await server.events(cluster.id)).at(-1)).toMatchObject({
      type: "cluster",
      state: "ready",
      message: "Time to live now ends at 2026-01-02T05:54:05.000Z",
    });
    server = await server.restart();
    await pass(7199);
    expect((await server.cluster(cluster.id)).state).toBe("ready");
    await pass(1);
    expect((await server.cluster(cluster.id)).state).toBe("deleted");
  });

  it("sets an end for a cluster without one, and the same end for repeated requests at one moment", async () => {
    const cluster = await server.create();
    expect(cluster.expiresAt).toBeNull();
    const answers = await Promise.all([60, 60, 60].map((ttlSeconds) => extend(cluster.id, { ttlSeconds })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await server.cluster(cluster.id)).expiresAt).toBe("2026-01-02T03:05:05.000Z");
  });

  it("refuses an end after that of the certificates, and names the limit", async () => {
    const cluster = await server.create();
    server.clock.advance(3600_000);
    const before = await server.dump();
    const problem = problemOf(await extend(cluster.id, { ttlSeconds: yearSeconds }), "400 invalid-request");
    expect(problem.errors).toEqual([
      {
        pointer: "/ttlSeconds",
        detail: `Expected at most ${yearSeconds - 3600}, because certificates expire at 2027-01-02T03:04:05.000Z, got ${yearSeconds}`,
      },
    ]);
    expect(await server.dump()).toEqual(before);
    expect((await extend(cluster.id, { ttlSeconds: yearSeconds - 3600 })).status).toBe(200);
  });

  it.each([
    [{}, "/ttlSeconds", "Expected a whole number of at least 60, got nothing"],
    [{ ttlSeconds: -1 }, "/ttlSeconds", "Expected a whole number of at least 60, got -1"],
    [{ ttlSeconds: 59 }, "/ttlSeconds", "Expected a whole number of at least 60, got 59"],
    [{ ttlSeconds: 1e300 }, "/ttlSeconds", "Expected a whole number from 60 to 9007199254740991, got 1e+300"],
    [{ ttlSeconds: 60, name: "new" }, "/name", "Unknown field"],
  ])("refuses %o and changes nothing", async (body, pointer, detail) => {
    const cluster = await server.create();
    const before = await server.dump();
    const problem = problemOf(await extend(cluster.id, body), "400 invalid-request");
    expect(problem.errors).toContainEqual({ pointer, detail });
    expect(await server.dump()).toEqual(before);
  });

  it("refuses clusters that failed, are being deleted or do not exist", async () => {
    const cluster = await server.create();
    await pass(30);
    const refused = async () => problemOf(await extend(cluster.id, { ttlSeconds: 60 }), "409 wrong-state").detail;
    expect(await refused()).toBe("Cannot extend cluster build126: it is failed");
    server.provider.fault = (operation) => {
      if (operation === "terminate") throw new Error("not now");
    };
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    expect(await refused()).toBe("Cannot extend cluster build126: it is deleting");
    server = await server.restart();
    server.provider.fault = () => undefined;
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect(await refused()).toBe("Cannot extend cluster build126: it is deleted");
    expect(refusal(await extend("c-none", { ttlSeconds: 60 }))).toBe("404 not-found");
  });

  it("prevents a deletion that became due while the extension was acknowledged", async () => {
    const cluster = await server.create({ ttlSeconds: 60 });
    await bringUp(server, cluster);
    server.clock.advance(60_000);
    const { store } = server.clusters;
    const list = store.clusters.bind(store);
    store.clusters = async (query) => {
      const due = await list(query);
      expect((await extend(cluster.id, { ttlSeconds: 600 })).status).toBe(200);
      return due;
    };
    await enforceDeadlines(server.clusters);
    expect((await server.cluster(cluster.id)).state).toBe("ready");
  });
});
