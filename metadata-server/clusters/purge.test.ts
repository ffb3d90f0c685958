import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { purgeDeleted, watchDeleted } from "./purge.ts";

const dayMs = 86_400_000;

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

async function createDeleted(name: string): Promise<string> {
  const body = { name, nodes: 2, provider: "fake" };
  const answer = await server.request("/v1/clusters", { body, headers: { "idempotency-key": name } });
  const { id } = answer.body as { id: string };
  await server.request(`/v1/clusters/${id}`, { method: "DELETE" });
  await server.clusters.background.idle();
  return id;
}
const stateOf = async (id: string) => (await server.clusters.store.cluster(id))?.state;

describe("purgeDeleted", () => {
  it("purges a cluster a day after its deletion, with its members, timeline and key, and no other", async () => {
    const old = await createDeleted("old");
    const { store } = server.clusters;
    server.clock.advance(1000);
    const young = await createDeleted("young");
    const live = await server.create({ name: "live" });
    server.clock.advance(dayMs - 1000);
    await purgeDeleted(server.clusters);
    expect(await stateOf(old)).toBe("deleted");
    server.clock.advance(1);
    await purgeDeleted(server.clusters);
    expect(await Promise.all([old, young, live.id].map(stateOf))).toEqual([undefined, "deleted", "provisioning"]);
    expect(await store.members(old)).toEqual([]);
    expect(await store.events(old, 0, 100)).toEqual([]);
    expect(await store.idempotency("old")).toBeUndefined();
    for (const path of ["", "/events", "/kubeconfig"])
      expect(refusal(await server.request(`/v1/clusters/${old}${path}`))).toBe("404 not-found");
  });

  it("purges the oldest ones earlier if there are too many", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      server.clock.advance(1000);
      ids.push(await createDeleted(`k${count}`));
    }
    server.clock.advance(1);
    await purgeDeleted(server.clusters, { keep: 2 });
    expect(await Promise.all(ids.map(stateOf))).toEqual([undefined, undefined, undefined, "deleted", "deleted"]);
  });

  it("runs once a minute until the signal aborts, and survives a store that fails once", async () => {
    const id = await createDeleted("old");
    server.clock.advance(dayMs + 1);
    const { store } = server.clusters;
    const commit = store.commit.bind(store);
    store.commit = async () => {
      store.commit = commit;
      throw new Error("disk full");
    };
    const stop = new AbortController();
    const watching = watchDeleted(server.clusters, stop.signal);
    while (server.clock.pending() === 0) await new Promise(setImmediate);
    expect([server.log.at(-1), await stateOf(id)]).toEqual([expect.stringContaining("disk full"), "deleted"]);
    server.clock.advance(60_000);
    while ((await stateOf(id)) !== undefined) await new Promise(setImmediate);
    stop.abort();
    await watching;
    expect(server.clock.pending()).toBe(0);
  });
});
