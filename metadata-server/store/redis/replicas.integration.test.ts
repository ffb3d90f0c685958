import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findFreePort } from "../../../cli/demo/free-port.ts";
import { durable, type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { clusterEvent, createClusterRecord } from "../../../test/contract/store/samples.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { patience } from "../../../test/fixtures/patience.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let master: RedisServer;
let replica: RedisServer;
beforeEach(async () => {
  const port = await findFreePort();
  master = await startRedisServer({ port, settings: ["--save", "", "--repl-diskless-sync-delay", "0"] });
  replica = await startRedisServer({ settings: [...durable, "--replicaof", `127.0.0.1 ${port}`] });
  const client = master.client();
  // Right after its first synchronisation a replica may take a second to report what it has.
  for (let tries = 0; (await client.wait(1, 2000)) < 1; tries++)
    if (tries === 10) throw new Error("the replica does not synchronise");
  client.disconnect();
});
afterEach(async () => {
  await master.destroy();
  await replica.destroy();
});

const open = ({ url }: RedisServer, parameters = "") =>
  openRedisStore({ target: parseRedisUrl(`${url}${parameters}`), timeoutMs: 6000, logger: silent });

describe("Redis store with a replica", () => {
  it("acknowledges a commit only once the replica has it", async () => {
    const store = await open(master);
    await store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
    const client = replica.client();
    expect(await client.hexists("sprout:clusters", "c-1")).toBe(1);
    replica.pause();
    await expect(store.commit({ clusters: [createClusterRecord({ id: "c-2" })] })).rejects.toMatchObject({
      name: "StoreUnavailable",
      message: `Cannot write to store ${master.url}: 0 of 1 replicas have the commit, and a failover now would lose it; check the replicas`,
    });
    replica.goOn();
    const more = () => store.commit({ events: [{ clusterId: "c-1", event: clusterEvent("more") }] });
    await vi.waitFor(more, patience);
    expect(await client.hexists("sprout:clusters", "c-2")).toBe(1);
    client.disconnect();
    await store.close();
  });

  it("ends a hundred commits at once in the time of two while the replica is silent", async () => {
    const store = await open(master);
    replica.pause();
    const startedAt = performance.now();
    const commits = Array.from({ length: 100 }, (_, index) =>
      store.commit({ clusters: [createClusterRecord({ id: `c-${index}` })] }),
    );
    const outcomes = await Promise.allSettled(commits);
    // Each waits for the replica for three seconds.
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    replica.goOn();
    await store.close();
  });

  it("keeps every acknowledged commit on the replica when the master is killed", async () => {
    const store = await open(master);
    const acknowledged: string[] = [];
    const commits = Array.from({ length: 300 }, async (_, index) => {
      await store.commit({ clusters: [createClusterRecord({ id: `c-${index}` })] });
      acknowledged.push(`c-${index}`);
      if (acknowledged.length === 100) await master.kill("SIGKILL");
    });
    await Promise.allSettled(commits);
    await store.close();
    const client = replica.client();
    await client.replicaof("NO", "ONE");
    client.disconnect();
    const survivor = await open(replica);
    const found = new Set((await survivor.clusters({ limit: 1000 })).map(({ id }) => id));
    expect(acknowledged.length).toBeGreaterThanOrEqual(100);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    await survivor.close();
  });

  it("refuses a replica's address", async () => {
    await expect(open(replica)).rejects.toThrow(
      `Cannot open store ${replica.url}: it is a replica; use the address of the master`,
    );
  });
});
