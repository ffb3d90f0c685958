import { inspect } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { clusterEvent, createClusterRecord } from "../../../test/contract/store/samples.ts";
import type { Store } from "../store.ts";
import { planCommit } from "./commit-plan.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { evaluate, loadScripts } from "./scripts.ts";
import { patience } from "../../../test/fixtures/patience.ts";

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
  it("reads, commits and checks fail in time while Redis is down, and work once it is back", async () => {
    await create("c-1");
    await server.kill("SIGTERM");
    const away = unanswered(/connect ENOENT .*redis.sock/);
    const [read, commit, check] = [store.cluster("c-1"), create("c-2"), store.check()];
    const took = Promise.all([read, commit, check].map(timed));
    await Promise.all([read, commit, check].map((work) => expect(work).rejects.toMatchObject(away)));
    for (const ms of await took) expect(ms).toBeLessThan(patience.timeout);
    await server.start();
    expect(await store.cluster("c-1")).toMatchObject({ version: 1 });
    await create("c-2");
    await store.check();
    expect(await store.events("c-2", 0, 10)).toHaveLength(1);
    expect(logged.some((line) => line.startsWith("Store connection lost"))).toBe(true);
    expect(logged.some((line) => line.startsWith("Store connection is back"))).toBe(true);
  });

  it("a commit that finds Redis killed succeeds once it is back in time, and is done once", async () => {
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

  it("keeps each acknowledged commit exactly once while Redis is killed again and again", async () => {
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

  it("does a plan that is sent twice once, and returns the same answer", async () => {
    await create("c-1");
    const client = server.client();
    const { commit } = loadScripts();
    const limits = { maxEventsPerCluster: 10, maxAuditEntries: 10 };
    const changes = { events: [{ clusterId: "c-1", event: clusterEvent("once") }] };
    const plan = await planCommit(changes, { id: "the-same", now: 0, limits, auditWrittenOut: 0 });
    for (const _ of [1, 2]) expect(await evaluate(client, commit, ["sprout:", ...plan])).toEqual(["done"]);
    client.disconnect();
    expect(await store.events("c-1", 1, 10)).toMatchObject([{ sequence: 2, message: "once" }]);
  });

  it("a call to a Redis that hangs fails in time, and succeeds again once Redis resumes", async () => {
    await create("c-1");
    server.pause();
    const read = store.cluster("c-1");
    const took = timed(read);
    await expect(read).rejects.toMatchObject({ name: "StoreUnavailable" });
    expect(await took).toBeLessThan(patience.timeout);
    server.goOn();
    await vi.waitFor(async () => expect(await store.cluster("c-1")).toMatchObject({ version: 1 }), patience);
  });

  it("calls every listener when the connection is back, so that no change stays unseen", async () => {
    await create("c-1");
    const listener = vi.fn<() => void>();
    store.watch("c-1", listener);
    await server.kill("SIGKILL");
    listener.mockClear();
    await server.start();
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), patience);
    await store.check();
    listener.mockClear();
    await store.commit({ events: [{ clusterId: "c-1", event: clusterEvent("later") }] });
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), patience);
  });

  it("refuses a wrong password in time, and shows no password in an error or the log", async () => {
    const refused = await openStore("wrong-password").catch((error: unknown) => error);
    expect(refused).toMatchObject(unanswered(/WRONGPASS .*/));
    const shown = inspect(refused) + logged.join("\n");
    for (const secret of [password, "wrong-password"]) expect(shown).not.toContain(secret);
  });

  it("a full Redis refuses the whole commit, says why, and keeps its data", async () => {
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
