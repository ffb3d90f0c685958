import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { untilAborted } from "../../test/fixtures/until-aborted.ts";
import { createLeases, type Leases } from "./leases.ts";

let server: TestServer;
let one: Leases;
let other: Leases;
const { signal } = new AbortController();
const name = "launch c-1";
const done = async () => undefined;
const fail = () => Promise.reject(new Error("no machine"));

beforeEach(async () => {
  server = await createTestServer();
  const { store, logger } = server.clusters;
  one = createLeases({ store, holder: "one", logger, ttlMs: 150 });
  other = createLeases({ store, holder: "other", logger, ttlMs: 150 });
});
afterEach(() => server.close());

describe("createLeases", () => {
  it("does work on one server at a time, for as long as it takes", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const working = one.run({ name, signal }, () => promise);
    await new Promise((tick) => setTimeout(tick, 400));
    expect(await other.run({ name, signal }, done)).toBe(false);
    resolve();
    expect(await working).toBe(true);
    expect(await other.run({ name, signal }, done)).toBe(true);
  });

  it("does no work twice at once on the same server, unless both share it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const working = one.run({ name, signal, isShared: true }, () => promise);
    expect(await one.run({ name, signal }, done)).toBe(false);
    expect(await one.run({ name, signal, isShared: true }, done)).toBe(true);
    expect(await other.run({ name, signal, isShared: true }, done)).toBe(false);
    resolve();
    expect(await working).toBe(true);
  });

  it("gives the lease back after work that failed, and throws its error", async () => {
    await expect(one.run({ name, signal }, fail)).rejects.toThrow("no machine");
    expect(await other.run({ name, signal }, done)).toBe(true);
  });

  it("aborts work whose lease another server took while this one was paused, and refuses its commits", async () => {
    const { id } = await server.create();
    const { store } = server.clusters;
    const cluster = (await store.cluster(id))!;
    const takeLease = store.takeLease.bind(store);
    const commitLate = async () => {
      let refused: unknown;
      const isDone = await one.run({ name, signal }, async (leased) => {
        // As of a process that is stopped: it renews nothing.
        store.takeLease = async (lease) =>
          lease.holder === "one" ? Promise.reject(new Error("away")) : takeLease(lease);
        await untilAborted(leased.signal);
        // The store's clock began to count a little later.
        await other.wait({ name, signal }, done);
        await leased.store.commit({ clusters: [cluster] }).catch((error: unknown) => {
          refused = error;
          throw error;
        });
      });
      return { isDone, refused };
    };
    expect(await commitLate()).toMatchObject({ isDone: false, refused: { reason: "lease-lost" } });
    expect(await store.cluster(id)).toEqual(cluster);
    expect(server.log.at(-1)).toContain("Lost a lease; another server continues the work");
  });

  it("waits for a lease until the other server gives it back", async () => {
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const working = one.run({ name, signal }, async () => {
      await promise;
      order.push("one");
    });
    const waiting = other.wait({ name, signal }, async () => void order.push("other"));
    resolve();
    await Promise.all([working, waiting]);
    expect(order).toEqual(["one", "other"]);
  });

  it("stops waiting when the signal aborts", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const working = one.run({ name, signal }, () => promise);
    const stop = new AbortController();
    const waiting = other.wait({ name, signal: stop.signal }, fail);
    stop.abort();
    await expect(waiting).resolves.toBeUndefined();
    resolve();
    await working;
  });

  it("never loses a lease of a store that one process has alone", async () => {
    const { store, logger } = server.clusters;
    const alone = createLeases({ store, holder: "alone", logger });
    const takes: number[] = [];
    const takeLease = store.takeLease.bind(store);
    store.takeLease = (lease) => {
      takes.push(lease.ttlMs);
      return takeLease(lease);
    };
    await alone.run({ name, signal }, () => new Promise((tick) => setTimeout(tick, 300)));
    expect(takes).toEqual([Infinity]);
  });
});
