import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterEvent, createClusterRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { describeStoreContract } from "../../../test/contract/store/store-contract.ts";
import type { Store } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

describeStoreContract("SQLite", async (options) => {
  const directory = await mkdtemp(join(tmpdir(), "sprout-store-"));
  const open = () => openSqliteStore({ file: join(directory, "sprout.db"), logger: silent, ...options });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async destroy() {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe("openSqliteStore", () => {
  let directory: string;
  let file: string;
  let store: Store;
  let logged: [string, unknown][];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sprout-store-"));
    file = join(directory, "sprout.db");
    logged = [];
    const error = (message: string, fields: unknown) => logged.push([message, fields]);
    store = await openSqliteStore({ file, logger: { ...silent, error } });
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it.for([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a limit of %d", async (bound) => {
    const other = join(directory, "other.db");
    for (const limit of ["maxEventsPerCluster", "maxAuditEntries"])
      await expect(openSqliteStore({ file: other, [limit]: bound })).rejects.toThrow(
        `Cannot open store ${other}: ${limit} is ${bound}; give a whole number from 1`,
      );
    await expect(readFile(other)).rejects.toThrow("ENOENT");
  });

  it("logs a listener that throws", async () => {
    store.watch("c-1", () => {
      throw new Error("listener is broken");
    });
    await store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
    expect(logged).toEqual([["Cannot call store listener", { clusterId: "c-1", error: "Error: listener is broken" }]]);
  });

  it.for([
    {
      title: "a time that is not whole milliseconds",
      bad: { createdAt: 1.5 },
      message: /^Cannot write to store .*: cannot store REAL value in INTEGER column clusters\.created_at$/,
    },
    { title: "a value that JSON cannot hold", bad: { nodes: 4n as unknown as number }, message: /BigInt/ },
    {
      title: "a function",
      bad: { labels: { team: (() => "x") as unknown as string } },
      message: /could not be cloned/,
    },
  ])("refuses a commit whose record has $title, and writes the commits around it", async ({ bad, message }) => {
    const [before, refused, after] = await Promise.allSettled([
      store.commit({ clusters: [createClusterRecord({ id: "c-1" })] }),
      store.commit({ clusters: [createClusterRecord({ id: "c-2" }), createClusterRecord({ id: "c-3", ...bad })] }),
      store.commit({ clusters: [createClusterRecord({ id: "c-4" })] }),
    ]);
    expect([before.status, refused.status, after.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(refused).toMatchObject({ reason: { message: expect.stringMatching(message) } });
    expect((await store.clusters({ limit: 10 })).map(({ id }) => id)).toEqual(["c-4", "c-1"]);
  });

  it("fails its check once its file was removed or replaced", async () => {
    await store.check();
    const message = `Cannot use store ${file}: the file was removed or replaced; restart the server`;
    await rename(file, join(directory, "aside.db"));
    await expect(store.check()).rejects.toThrow(message);
    await writeFile(file, "");
    await expect(store.check()).rejects.toThrow(message);
  });

  it("gives others their turn during a large commit, who read all of it or nothing", async () => {
    const members = Array.from({ length: 3000 }, (_, index) =>
      createMemberRecord({ clusterId: "c-1", name: `node${index}`, capabilityHash: `hash of ${index}` }),
    );
    const reads: Promise<number>[] = [];
    const timer = setInterval(() => reads.push(store.members("c-1").then(({ length }) => length)), 1);
    await store.commit({ clusters: [createClusterRecord({ id: "c-1" })], members }).finally(() => clearInterval(timer));
    expect(reads.length).toBeGreaterThan(1);
    const counts = new Set(await Promise.all(reads));
    expect(counts.difference(new Set([0, 3000]))).toEqual(new Set());
  });

  it("closes once a commit that is half written is on disk", async () => {
    const members = Array.from({ length: 3000 }, (_, index) =>
      createMemberRecord({ clusterId: "c-1", name: `node${index}` }),
    );
    const commit = store.commit({ clusters: [createClusterRecord({ id: "c-1" })], members });
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    await commit;
    store = await openSqliteStore({ file, logger: silent });
    expect(await store.memberNames("c-1")).toHaveLength(3000);
  });

  it("stops growing its file while clusters are created, deleted and purged", async () => {
    /** Clusters that exist at any time, each as large as a real one of 4 nodes. */
    const kept = 20;
    const churn = async (from: number, count: number) => {
      for (let number = from; number < from + count; number++) {
        const id = `c-${number}`;
        await store.commit({
          clusters: [createClusterRecord({ id, state: "deleted", deletedAt: number })],
          members: ["a", "b", "c", "d"].map((name) => createMemberRecord({ clusterId: id, name })),
          secrets: [{ clusterId: id, member: null, sealed: Buffer.alloc(30_000, number) }],
          events: Array.from({ length: 60 }, () => ({ clusterId: id, event: clusterEvent("x".repeat(80)) })),
        });
        const purge = await store.deletedBefore(number - kept + 1, 10);
        if (purge.length > 0) await store.commit({ purge });
      }
      await store.close();
      const { size } = await stat(file);
      store = await openSqliteStore({ file, logger: silent });
      return size;
    };
    const early = await churn(0, 60);
    const late = await churn(60, 200);
    expect(await store.clusters({ limit: 1000 })).toHaveLength(kept);
    expect(late).toBeLessThan(early * 1.05);
  });

  it("leaves no byte of a destroyed secret in its file", async () => {
    const secrets = ["replaced", "destroyed"].map((text) => Buffer.from(`${text} secret `.repeat(500)));
    const [replaced, destroyed] = secrets;
    await store.commit({
      clusters: [createClusterRecord({ id: "c-1" })],
      secrets: [
        { clusterId: "c-1", member: null, sealed: replaced! },
        { clusterId: "c-1", member: "node01", sealed: destroyed! },
      ],
    });
    await store.close();
    const found = async () => {
      const bytes = await readFile(file);
      return ["replaced secret", "destroyed secret"].map((text) => bytes.includes(text));
    };
    expect(await found()).toEqual([true, true]);
    store = await openSqliteStore({ file });
    await store.commit({
      secrets: [
        { clusterId: "c-1", member: null, sealed: Buffer.from("new") },
        { clusterId: "c-1", member: "node01", sealed: null },
      ],
    });
    await store.close();
    expect(await found()).toEqual([false, false]);
    expect(await readdir(directory)).toEqual(["sprout.db"]);
  });
});
