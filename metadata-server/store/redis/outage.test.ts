import { inspect } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { clusterEvent, createClusterRecord } from "../contract/samples.ts";
import type { Store } from "../store.ts";
import { planCommit } from "./commit-plan.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { evaluate, loadScripts } from "./scripts.ts";

const password = "planted-password";
const timeoutMs = 1500;
let server: RedisServer;
let store: Store;
let logged: string[];
const log = (message: string, fields: object = {}) => void logged.push(`${message} ${JSON.stringify(fields)}`);

beforeEach(async () => {
  logged = [];
  server = await startRedisServer({ password });
  store = await openStore(password);
});
afterEach(async () => {
  await store.close();
  await server.destroy();
});

const openStore = (given: string) =>
  openRedisStore({
    target: { ...parseRedisUrl(server.url), connection: { path: `${server.directory}/redis.sock`, password: given } },
    timeoutMs,
    logger: { info: log, warn: log, error: log },
  });

const create = (id: string) =>
  store.commit({
    clusters: [createClusterRecord({ id })],
    events: [{ clusterId: id, event: clusterEvent("created") }],
  });
const unanswered = (what: RegExp) => ({
  name: "StoreUnavailable",
  message: expect.stringMatching(
    new RegExp(`^Cannot use store ${server.url}: no answer within 1.5 s \\(${what.source}\\); check that Redis runs`),
  ),
});

async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await Promise.allSettled([work]);
  return performance.now() - start;
}

describe("Redis store in an outage", () => {
  it("reads, commits and check fail within their time while Redis is away, and work when it is back", async () => {
    await create("c-1");
    await server.kill("SIGTERM");
    const away = unanswered(/connect ENOENT .*redis.sock/);
    const [read, commit, check] = [store.cluster("c-1"), create("c-2"), store.check()];
    const took = Promise.all([read, commit, check].map(timed));
    await Promise.all([read, commit, check].map((work) => expect(work).rejects.toMatchObject(away)));
    for (const ms of await took) expect(ms).toBeLessThan(timeoutMs + 1000);
    await server.start();
    expect(await store.cluster("c-1")).toMatchObject({ version: 1 });
    await create("c-2");
    await store.check();
    expect(await store.events("c-2", 0, 10)).toHaveLength(1);
    expect(logged.some((line) => line.startsWith("Store connection lost"))).toBe(true);
    expect(logged.some((line) => line.startsWith("Store connection is back"))).toBe(true);
  });

  it("a commit that finds Redis killed goes on when it is back in time, and is done once", async () => {
    await create("c-1");
    await server.kill("SIGKILL");
    const commits = Array.from({ length: 20 }, () =>
      store.commit({ events: [{ clusterId: "c-1", event: clusterEvent("during") }] }),
    );
    const read = store.cluster("c-1");
    await delay(300);
    await server.start();
    await Promise.all(commits);
    expect(await read).toMatchObject({ version: 1 });
    const sequences = (await store.events("c-1", 0, 100)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
  });

  it("killed again and again under commits, it has each acknowledged one exactly once", async () => {
    await create("c-1");
    const acknowledged: string[] = [];
    const over = new AbortController();
    const writer = (async () => {
      for (let number = 0; !over.signal.aborted; number++) {
        const batch = Array.from({ length: 10 }, (_, index) => `${number}-${index}`);
        const commit = async (message: string) => {
          await store.commit({ events: [{ clusterId: "c-1", event: clusterEvent(message) }] });
          acknowledged.push(message);
        };
        await Promise.all(batch.map(commit));
      }
    })();
    for (let round = 0; round < 8; round++) {
      await delay(40 + Math.random() * 60);
      await server.kill("SIGKILL");
      await server.start();
    }
    over.abort();
    await writer;
    const events = await store.events("c-1", 1, 100_000);
    const messages = events.map((event) => ("message" in event ? (event.message ?? "") : ""));
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(messages.toSorted()).toEqual(acknowledged.toSorted());
  });

  it("the same plan sent twice is done once, and answered alike", async () => {
    await create("c-1");
    const client = server.client();
    const { commit } = loadScripts();
    const limits = { maxEventsPerCluster: 10, maxAuditEntries: 10 };
    const changes = { events: [{ clusterId: "c-1", event: clusterEvent("once") }] };
    const plan = planCommit(changes, { id: "the-same", now: 0, limits });
    for (const _ of [1, 2]) expect(await evaluate(client, commit, ["sprout:", ...plan])).toEqual(["done"]);
    client.disconnect();
    expect(await store.events("c-1", 1, 10)).toMatchObject([{ sequence: 2, message: "once" }]);
  });

  it("a Redis that hangs is given up in time, and asked anew when it goes on", async () => {
    await create("c-1");
    server.pause();
    const read = store.cluster("c-1");
    const took = timed(read);
    await expect(read).rejects.toMatchObject({ name: "StoreUnavailable" });
    expect(await took).toBeLessThan(timeoutMs * 2 + 1000);
    server.goOn();
    await vi.waitFor(async () => expect(await store.cluster("c-1")).toMatchObject({ version: 1 }), { timeout: 5000 });
  });

  it("whoever waits for a change is woken when the connection is back: nothing it missed stays unseen", async () => {
    await create("c-1");
    const listener = vi.fn<() => void>();
    store.watch("c-1", listener);
    await server.kill("SIGKILL");
    listener.mockClear();
    await server.start();
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 5000 });
    await store.check();
    listener.mockClear();
    await store.commit({ events: [{ clusterId: "c-1", event: clusterEvent("later") }] });
    await vi.waitFor(() => expect(listener).toHaveBeenCalled());
  });

  it("refuses a wrong password in time, and no password reaches an error or the log", async () => {
    const refused = await openStore("wrong-password").catch((error: unknown) => error);
    expect(refused).toMatchObject(unanswered(/WRONGPASS .*/));
    const shown = inspect(refused) + logged.join("\n");
    for (const secret of [password, "wrong-password"]) expect(shown).not.toContain(secret);
  });

  it("a full Redis refuses the commit whole, says why, and keeps what it has", async () => {
    await create("c-1");
    const client = server.client();
    await client.config("SET", "maxmemory", "1");
    await expect(create("c-2")).rejects.toMatchObject({
      name: "StoreUnavailable",
      message: expect.stringMatching(/^Cannot use store .*OOM .*; raise maxmemory$/),
    });
    await client.config("SET", "maxmemory", "0");
    client.disconnect();
    expect((await store.clusters({ limit: 10 })).map(({ id }) => id)).toEqual(["c-1"]);
    await create("c-2");
  });
});
