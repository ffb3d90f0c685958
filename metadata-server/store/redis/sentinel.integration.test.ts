import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClusterRecord } from "../../../test/contract/store/samples.ts";
import { patience } from "../../../test/fixtures/patience.ts";
import { type SentinelGroup, startSentinelGroup } from "../../../test/fixtures/redis-sentinels.ts";
import type { Store } from "../store.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let group: SentinelGroup;
let store: Store;
beforeEach(async () => {
  group = await startSentinelGroup();
  store = await openRedisStore({ target: parseRedisUrl(group.url), logger: silent });
});
afterEach(async () => {
  await store.close();
  await group.destroy();
});

const failedOver = { ...patience, timeout: 60_000 };

describe("Redis store behind three sentinels", () => {
  it("continues on the promoted replica, with every acknowledged commit, its watchers and its leases", async () => {
    const acknowledged: string[] = [];
    const heard: string[] = [];
    store.watch("c-0", () => heard.push("c-0"));
    const lease = { name: "launch c-0", holder: "one", ttlMs: 120_000 };
    const token = await store.takeLease(lease);
    const master = await group.master();
    const commits = Array.from({ length: 200 }, async (_, index) => {
      await store.commit({ clusters: [createClusterRecord({ id: `c-${index}` })] });
      acknowledged.push(`c-${index}`);
      if (acknowledged.length === 50) await master.kill("SIGKILL");
    });
    await Promise.allSettled(commits);
    expect(acknowledged.length).toBeGreaterThanOrEqual(50);
    // A commit needs a replica, so the dead server must be back.
    await vi.waitFor(async () => expect((await group.master()).url).not.toBe(master.url), failedOver);
    await master.start();
    const known = await vi.waitFor(async () => (await store.cluster("c-0"))!, failedOver);
    const found = new Set((await store.clusters({ limit: 1000 })).map(({ id }) => id));
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    heard.length = 0;
    let version = known.version;
    await vi.waitFor(async () => {
      version = (await store.cluster("c-0"))!.version;
      await store.commit({ clusters: [{ ...known, version }], lease: { ...lease, token: token! } });
    }, failedOver);
    await vi.waitFor(() => expect(heard).toContain("c-0"), patience);
    expect(await store.takeLease({ ...lease, holder: "other" })).toBeUndefined();
    expect(await store.takeLease(lease)).toBe(token);
    await store.check();
  });
});
