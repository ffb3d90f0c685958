import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { patience } from "../../test/fixtures/patience.ts";
import { createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, plainUrl, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { type Store, StoreUnavailable } from "../store/store.ts";
import { resumeWork } from "./resume-work.ts";
import { createSnapshot } from "./snapshot.ts";

let server: TestServer;
let isAway: boolean;
let cluster: Cluster;

/** Fails as Redis does that is away. */
function createAwayStore(store: Store): Store {
  const entries = Object.entries(store).map(([name, method]) => {
    if (typeof method !== "function" || ["close", "watch", "takeLease", "releaseLease"].includes(name))
      return [name, method];
    const call = (...given: unknown[]) =>
      isAway ? Promise.reject(new StoreUnavailable("away")) : (method as (...args: unknown[]) => unknown)(...given);
    return [name, call];
  });
  return Object.fromEntries(entries) as Store;
}

beforeEach(async () => {
  isAway = false;
  server = await createTestServer({ store: createAwayStore, hasSnapshot: true });
  cluster = await server.create();
});
afterEach(() => server.close());

describe("createSnapshot", () => {
  it("answers metadata of a machine that is bound while the store is away, and as before", async () => {
    const machine = createTestMachine(server, cluster, 0);
    const before = (await machine.getMetadata()).body;
    await resumeWork(server.clusters);
    isAway = true;
    const { status, body } = await machine.getMetadata();
    expect([status, body]).toEqual([200, before]);
  });

  it("answers cloud-init while the store is away, also for a machine that has not called", async () => {
    await resumeWork(server.clusters);
    isAway = true;
    const { capability } = server.provider.launched.get(cluster.members[1]!.name)!.seed;
    const { status, text } = await server.request(`${plainUrl}/nocloud/${capability}/meta-data`, { token: null });
    expect([status, text]).toEqual([200, expect.stringContaining(cluster.members[1]!.allocation)]);
  });

  it("hands out no credentials, binds no machine and serves nothing else while the store is away", async () => {
    const bound = createTestMachine(server, cluster, 0);
    await bound.getMetadata();
    await resumeWork(server.clusters);
    isAway = true;
    await expect(bound.claim()).rejects.toThrow("/problems/store-unavailable");
    const unbound = await createTestMachine(server, cluster, 1).getMetadata();
    problemOf(unbound, "503 store-unavailable");
    expect(unbound.headers.get("retry-after")).toBe("1");
    problemOf(await server.request(`/v1/clusters/${cluster.id}`), "503 store-unavailable");
  });

  it("shows another machine nothing of the copy", async () => {
    await createTestMachine(server, cluster, 0).getMetadata();
    await resumeWork(server.clusters);
    isAway = true;
    const { status, text } = await createTestMachine(server, cluster, 0).getMetadata("mac=52:54:00:99:99:99");
    expect(status).toBe(503);
    expect(text).not.toContain(cluster.members[0]!.name);
  });

  it("reads the store again once it is back", async () => {
    const machine = createTestMachine(server, cluster, 0);
    await machine.getMetadata();
    await resumeWork(server.clusters);
    isAway = true;
    await machine.getMetadata();
    isAway = false;
    await vi.waitFor(() => expect(server.log.at(-1)).toContain("The store is back"), patience);
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    problemOf(await machine.getMetadata(), "403 wrong-machine");
  });

  it("keeps the newest clusters up to its limit, and forgets those that have ended", async () => {
    const { store } = server.clusters;
    const log: string[] = [];
    const logger = { info: () => {}, warn: (message: string) => void log.push(message), error: () => {} };
    const snapshot = createSnapshot(store, { logger, limit: 4 });
    const other = await server.create({ name: "other" });
    const copy = async () => {
      const { add, done } = snapshot.begin();
      for (const { id } of [other, cluster]) add((await store.cluster(id))!, await store.members(id));
      done();
    };
    await copy();
    isAway = true;
    expect(await snapshot.store.memberNames(other.id)).toHaveLength(3);
    await expect(snapshot.store.memberNames(cluster.id)).rejects.toThrow("away");
    snapshot.begin().done();
    await expect(snapshot.store.memberNames(other.id)).rejects.toThrow("away");
    expect(log[0]).toBe("The snapshot of nodes' metadata is full; it has the newest clusters");
    isAway = false;
  });
});
