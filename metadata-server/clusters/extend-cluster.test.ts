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
  it("lets a ready cluster live that long from now on, also after a restart, and says so on the timeline", async () => {
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

  it("gives an end to a cluster that had none, and the same end however often it is asked at that moment", async () => {
    const cluster = await server.create();
    expect(cluster.expiresAt).toBeNull();
    const answers = await Promise.all([60, 60, 60].map((ttlSeconds) => extend(cluster.id, { ttlSeconds })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await server.cluster(cluster.id)).expiresAt).toBe("2026-01-02T03:05:05.000Z");
  });

  it("ends before the certificates do, and names the limit", async () => {
    const cluster = await server.create();
    server.clock.advance(3600_000);
    const before = await server.dump();
    const problem = problemOf(await extend(cluster.id, { ttlSeconds: yearSeconds }), "400 invalid-request");
    expect(problem.errors).toEqual([
      {
        pointer: "/ttlSeconds",
        detail: `must be ${yearSeconds - 3600} at most: certificates end at 2027-01-02T03:04:05.000Z`,
      },
    ]);
    expect(await server.dump()).toEqual(before);
    expect((await extend(cluster.id, { ttlSeconds: yearSeconds - 3600 })).status).toBe(200);
  });

  it.each([
    [{}, "/ttlSeconds", "is required"],
    [{ ttlSeconds: -1 }, "/ttlSeconds", "Too small: expected number to be >=60"],
    [{ ttlSeconds: 59 }, "/ttlSeconds", "Too small: expected number to be >=60"],
    [{ ttlSeconds: 1e300 }, "/ttlSeconds", "Too big: expected int to be <=9007199254740991"],
    [{ ttlSeconds: 60, name: "new" }, "/name", "is unknown"],
  ])("refuses %o and changes nothing", async (body, pointer, detail) => {
    const cluster = await server.create();
    const before = await server.dump();
    const problem = problemOf(await extend(cluster.id, body), "400 invalid-request");
    expect(problem.errors).toContainEqual({ pointer, detail });
    expect(await server.dump()).toEqual(before);
  });

  it("refuses a cluster that failed, is being deleted or is gone", async () => {
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

  it("wins over a deletion that was due when the extension was acknowledged", async () => {
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
