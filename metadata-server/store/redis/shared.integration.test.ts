import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { createClusterRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { type Store, StoreConflict } from "../store.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { patience } from "../../../test/fixtures/patience.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let server: RedisServer;
let opened: Store[];
beforeEach(async () => {
  server = await startRedisServer();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  await server.destroy();
});

async function open(parameters = "", { ephemeral = false } = {}): Promise<Store> {
  const target = parseRedisUrl(`${server.url}${parameters}`);
  const store = await openRedisStore({ target, ephemeral, logger: silent });
  opened.push(store);
  return store;
}

async function keys(): Promise<string[]> {
  const client = server.client();
  const found = await client.keys("*");
  client.disconnect();
  return found.toSorted();
}

const cluster = createClusterRecord({ id: "c-1" });

/** Reads, decides and commits until no other writer was faster. */
async function count(store: Store): Promise<void> {
  for (;;) {
    const read = (await store.cluster("c-1"))!;
    const labels = { count: String(Number(read.labels["count"] ?? 0) + 1) };
    try {
      return await store.commit({ clusters: [{ ...read, labels }] });
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
  }
}

const refusal = (why: string) => new Error(`Cannot open store ${server.url}: the keys with prefix sprout: ${why}`);

describe("Redis shared by several servers", () => {
  it("loses no update of two servers", async () => {
    const [one, other] = [await open(), await open()];
    await one.commit({ clusters: [cluster] });
    const work = [one, other].map(async (store) => {
      for (let number = 0; number < 100; number++) await count(store);
    });
    await Promise.all(work);
    expect(await one.cluster("c-1")).toMatchObject({ labels: { count: "200" }, version: 201 });
    expect(await other.cluster("c-1")).toEqual(await one.cluster("c-1"));
  });

  it("refuses one of two servers that hand out the same secret at once", async () => {
    const [one, other] = [await open(), await open()];
    const member = createMemberRecord({ clusterId: "c-1", name: "node01" });
    await one.commit({ clusters: [cluster], members: [member] });
    for (let version = 1; version <= 50; version++) {
      const claim = (store: Store) => store.commit({ members: [{ ...member, version, claims: version }] });
      const outcomes = await Promise.allSettled([claim(one), claim(other)]);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    }
  });

  it("a commit of one server calls the listeners of another, once the change can be read there", async () => {
    const [one, other] = [await open(), await open()];
    const seen: Promise<number | undefined>[] = [];
    other.watch("c-1", () => seen.push(other.cluster("c-1").then((found) => found?.version)));
    await one.commit({ clusters: [cluster] });
    await vi.waitFor(() => expect(seen).toHaveLength(1), patience);
    expect(await seen[0]).toBe(1);
  });

  it("stores with different prefixes do not see each other's data", async () => {
    const [one, other] = [await open("?prefix=one"), await open("?prefix=other")];
    const heard = vi.fn<() => void>();
    other.watch("c-1", heard);
    await one.commit({ clusters: [cluster], audit: [] });
    await other.commit({ clusters: [createClusterRecord({ id: "c-2", name: cluster.name })] });
    expect(await other.cluster("c-1")).toBeUndefined();
    expect((await one.clusters({ limit: 10 })).map(({ id }) => id)).toEqual(["c-1"]);
    expect(heard).not.toHaveBeenCalled();
  });

  it("an ephemeral store erases all its keys and no others", async () => {
    const kept = await open("?prefix=kept");
    await kept.commit({ clusters: [cluster], members: [createMemberRecord({ clusterId: "c-1", name: "node01" })] });
    await vi.waitFor(
      async () => expect((await keys()).filter((key) => key.includes(":commit:"))).toHaveLength(1),
      patience,
    );
    const before = await keys();
    const passing = await open("?prefix=passing", { ephemeral: true });
    await passing.commit({ clusters: [cluster], members: [createMemberRecord({ clusterId: "c-1", name: "node01" })] });
    expect((await keys()).length).toBeGreaterThan(before.length);
    await passing.erase();
    expect(await keys()).toEqual(before);
    expect(await kept.cluster("c-1")).toMatchObject({ version: 1 });
  });

  it("an ephemeral store takes over what an earlier one left", async () => {
    const killed = await open("", { ephemeral: true });
    await killed.commit({ clusters: [cluster] });
    await killed.close();
    expect(await (await open("", { ephemeral: true })).cluster("c-1")).toMatchObject({ version: 1 });
  });

  it("an ephemeral store refuses keys that must be kept, and a permanent store refuses ephemeral keys", async () => {
    await (await open()).commit({ clusters: [cluster] });
    await expect(open("", { ephemeral: true })).rejects.toThrow(
      refusal("hold the data of a server that is not ephemeral; use another prefix"),
    );
    await open("?prefix=passing", { ephemeral: true });
    await expect(open("?prefix=passing")).rejects.toThrow("belong to an ephemeral server, which erases them");
    expect(await (await open()).cluster("c-1")).toMatchObject({ version: 1 });
  });

  it("refuses another layout and another program's keys, and does not change them", async () => {
    const client = server.client();
    await client.set("sprout:schema", "99");
    await expect(open()).rejects.toThrow(
      refusal("have layout 99, this release needs 1; use the release that wrote them"),
    );
    await client.del("sprout:schema");
    await client.set("sprout:clusters", "theirs");
    await expect(open()).rejects.toThrow(refusal("are another program's; use another prefix"));
    expect(await client.get("sprout:clusters")).toBe("theirs");
    expect(await client.exists("sprout:schema")).toBe(0);
    client.disconnect();
  });

  it("closes every connection to a Redis that it refuses", async () => {
    const lossy = await startRedisServer({ settings: ["--save", ""] });
    const target = parseRedisUrl(lossy.url);
    await expect(openRedisStore({ target, logger: silent })).rejects.toThrow("it may lose what it acknowledged");
    const client = lossy.client();
    await vi.waitFor(async () => expect(String(await client.client("LIST"))).not.toContain("name=sprout-"), patience);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
    await lossy.destroy();
  });
});
