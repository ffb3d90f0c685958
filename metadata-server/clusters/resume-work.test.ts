import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { type Store, StoreUnavailable } from "../store/store.ts";
import { resumeWork } from "./resume-work.ts";

let server: TestServer;
let losesAnswers: boolean;

/** Commits, and loses the answer, as Redis may in a failover. */
const losing = (store: Store): Store => ({
  ...store,
  async commit(changes) {
    await store.commit(changes);
    if (losesAnswers) throw new StoreUnavailable("no replica has it");
  },
});

beforeEach(async () => {
  losesAnswers = false;
  server = await createTestServer({ store: losing });
});
afterEach(() => server.close());

describe("resumeWork", () => {
  it("launches a cluster whose creation was stored although its answer said otherwise, in its reserved place", async () => {
    const ask = () =>
      server.request("/v1/clusters", {
        body: { name: "build126", nodes: 3, provider: "fake" },
        headers: { "idempotency-key": "one" },
      });
    losesAnswers = true;
    problemOf(await ask(), "503 store-unavailable");
    losesAnswers = false;
    await server.clusters.background.idle();
    expect([server.provider.segments.size, server.provider.running.size]).toEqual([1, 0]);
    await resumeWork(server.clusters);
    await server.clusters.background.idle();
    const { status, body } = await ask();
    const { id, members } = await server.cluster(Cluster.parse(body).id);
    expect(status).toBe(202);
    expect([...server.provider.segments]).toEqual([id]);
    expect(members.map(({ state }) => state)).toEqual(["launched", "launched", "launched"]);
  });

  it("leaves alone what this server launches or another one does", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.provider.fault = (operation) => (operation === "launch" ? promise : undefined);
    const { body } = await server.request("/v1/clusters", { body: { name: "slow", nodes: 3, provider: "fake" } });
    const { id } = Cluster.parse(body);
    const before = await server.clusters.store.members(id);
    await resumeWork(server.clusters);
    await server.clusters.background.stop(`relaunch ${id}`);
    resolve();
    await server.clusters.background.idle();
    const after = await server.clusters.store.members(id);
    expect(after.map(({ capabilityHash }) => capabilityHash)).toEqual(
      before.map(({ capabilityHash }) => capabilityHash),
    );
  });

  it("leaves a cluster to the server on whose host its machines are, also its deletion", async () => {
    const { store } = server.clusters;
    const { id } = await server.create();
    const cluster = (await store.cluster(id))!;
    const members = (await store.members(id)).map((member) => ({
      ...member,
      state: "pending" as const,
      launchedAt: null,
    }));
    await store.commit({ clusters: [{ ...cluster, providerData: { place: "one" } }], members });
    Object.assign(server.provider, { place: "other" });
    await resumeWork(server.clusters);
    const attach = server.request(`/v1/clusters/${id}/members`, { body: { workers: 1 } });
    expect(problemOf(await attach, "409 wrong-state").detail).toContain("on another server's host");
    await server.request(`/v1/clusters/${id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect((await store.cluster(id))?.state).toBe("deleting");
    expect(server.provider.running.size).toBe(3);
    Object.assign(server.provider, { place: "one" });
    await resumeWork(server.clusters);
    await server.clusters.background.idle();
    expect([(await store.cluster(id))?.state, server.provider.running.size]).toEqual(["deleted", 0]);
  });
});
