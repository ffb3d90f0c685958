import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { systemClock } from "#lib/clock.ts";
import { createFakeProvider, type FakeProvider } from "../test/fakes/fake-provider.ts";
import { createClusterLife, type LifeRequest } from "../test/fixtures/cluster-life.ts";
import { type RedisServer, startRedisServer } from "../test/fixtures/redis-server.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { findFreePort } from "../cli/demo/free-port.ts";
import { loadConfig } from "./config.ts";
import { type RunningServer, startServer } from "./serve.ts";
import { patience } from "../test/fixtures/patience.ts";

const quiet = { info() {}, warn() {}, error() {} };
let redis: RedisServer;
let provider: FakeProvider;
let servers: RunningServer[];
let dataDir: string;

beforeEach(async () => {
  redis = await startRedisServer();
  provider = createFakeProvider();
  dataDir = await temporaryFolder("serve-redis");
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await redis.destroy();
});

/** Starts servers with the same secrets and (fake) machines. */
async function serve({ aheadMs = 0 } = {}): Promise<RunningServer> {
  const settings = { dataDir, listenAddress: "127.0.0.1", store: redis.url };
  const config = loadConfig({ ...settings, port: await findFreePort() }, {});
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const server = await startServer(config, { logger: quiet, providers: [provider], clock });
  servers.push(server);
  return server;
}

async function ask(server: RunningServer, path: string, options: LifeRequest = {}) {
  const { body, token = server.token, headers = {}, method = body === undefined ? "GET" : "POST" } = options;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const sent = request(new URL(path, server.url), {
    method,
    ca: await readFile(server.caFile, "utf8"),
    servername: "localhost",
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
  });
  sent.on("response", (response) => {
    text(response)
      .then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }))
      .catch(reject);
  });
  sent.on("error", reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

async function read(server: RunningServer, id: string): Promise<Cluster> {
  return Cluster.parse(JSON.parse((await ask(server, `/v1/clusters/${id}`)).text));
}

/** The lines of a cluster's timeline that are still stored. */
async function timeline(id: string): Promise<{ type: string; state?: string }[]> {
  const client = redis.client();
  const entries = await client.xrange(`sprout:cluster:${id}:events`, "-", "+");
  client.disconnect();
  return entries.map(([, [, json = ""]]) => JSON.parse(json) as { type: string; state?: string });
}
const states = async (id: string) =>
  (await timeline(id)).flatMap(({ type, state }) => (type === "cluster" && state !== undefined ? [state] : []));

/** The life of a cluster whose calls alternate between the servers. A call that the store fails is repeated. */
function createLife(onCall: (call: number) => void = () => undefined) {
  let calls = 0;
  return createClusterLife({
    async request(path, options) {
      onCall(calls);
      const answer = await ask(servers[(calls += 1) % servers.length]!, path, options);
      return answer.status === 503 && answer.text.includes("store-unavailable") ? undefined : answer;
    },
    async settle({ id }) {
      await vi.waitFor(async () => {
        const found = await read(servers[0]!, id);
        const isLaunched = found.members.every(({ state }) => state !== "pending");
        expect(found.state === "deleted" || (isLaunched && found.state !== "deleting")).toBe(true);
      }, patience);
    },
    machine: async ({ name }) => provider.launched.get(name)!,
  });
}

async function killAndStart(): Promise<void> {
  await redis.kill("SIGKILL");
  await delay(50);
  await redis.start();
}

describe("startServer, several on one Redis", () => {
  it("carries one cluster through its life with every call at another of two servers", async () => {
    await serve();
    await serve();
    const life = createLife();
    const cluster = await life.create();
    await life.bringUp(cluster);
    expect((await read(servers[1]!, cluster.id)).state).toBe("ready");
    await life.claimAgain(cluster);
    expect(await life.kubeconfig(cluster)).toContain("clusters:");
    await life.extend(cluster);
    await life.remove(cluster);
    expect([...life.witness.holders.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect([provider.running.size, provider.segments.size]).toEqual([0, 0]);
    expect((await states(cluster.id)).filter((state) => ["deleting", "deleted"].includes(state))).toEqual([
      "deleting",
      "deleted",
    ]);
  });

  it("answers a request that one server holds after a change at the other", async () => {
    const [one, other] = [await serve(), await serve()];
    const life = createLife();
    const cluster = await life.create();
    const held = ask(other, `/v1/clusters/${cluster.id}?wait=ready&timeout=60`);
    servers = [one];
    await life.bringUp(cluster);
    expect(JSON.parse((await held).text)).toMatchObject({ state: "ready" });
    servers = [one, other];
  });

  it("keeps deadlines and time to live if the clock of one server is an hour ahead, and that one is not ready", async () => {
    const [ahead, right] = [await serve({ aheadMs: 3_600_000 }), await serve()];
    const { text: reason } = await ask(ahead, "/readyz");
    expect(reason).toBe("the server's clock is 3600 s ahead of the store's\n");
    expect((await ask(right, "/readyz")).status).toBe(200);
    for (const server of [ahead, right]) {
      const body = { name: server === ahead ? "ahead" : "right", nodes: 1, provider: "fake", ttlSeconds: 600 };
      const { id } = Cluster.parse(JSON.parse((await ask(server, "/v1/clusters", { body })).text));
      const cluster = await read(server, id);
      expect(Math.abs(Date.parse(cluster.createdAt) - Date.now())).toBeLessThan(60_000);
    }
    // Each of them may check deadlines meanwhile, which happens every second.
    await delay(2500);
    const { clusters } = JSON.parse((await ask(right, "/v1/clusters")).text) as { clusters: Cluster[] };
    expect(clusters.map(({ state }) => state)).toEqual(["provisioning", "provisioning"]);
  });

  it("creates one cluster for one Idempotency-Key at both servers at once", async () => {
    const [one, other] = [await serve(), await serve()];
    const asked = { nodes: 2, provider: "fake" };
    const create = (server: RunningServer) =>
      ask(server, "/v1/clusters", { body: asked, headers: { "idempotency-key": "once" } });
    const answers = await Promise.all([create(one), create(other), create(one), create(other)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(new Set(answers.map(({ text: body }) => Cluster.parse(JSON.parse(body)).id)).size).toBe(1);
    await vi.waitFor(() => expect([provider.running.size, provider.segments.size]).toEqual([2, 1]), patience);
  });

  it("deletes a cluster once if both servers get the request", async () => {
    const [one, other] = [await serve(), await serve()];
    const life = createLife();
    const cluster = await life.create();
    const remove = (server: RunningServer) => ask(server, `/v1/clusters/${cluster.id}`, { method: "DELETE" });
    const answers = await Promise.all([remove(one), remove(other)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    await vi.waitFor(async () => expect((await read(one, cluster.id)).state).toBe("deleted"), patience);
    expect((await states(cluster.id)).filter((state) => state === "deleting" || state === "deleted")).toEqual([
      "deleting",
      "deleted",
    ]);
    expect([provider.running.size, provider.segments.size]).toEqual([0, 0]);
  });

  it("makes the cluster ready and loses nothing acknowledged while Redis is killed again and again", async () => {
    await serve();
    let kills = 0;
    let restarted = Promise.resolve();
    // During a call, at another moment of each.
    const life = createLife((call) => {
      if (call % 3 !== 0) return;
      kills += 1;
      restarted = restarted.then(() => delay(kills)).then(killAndStart);
    });
    const cluster = await life.create();
    await life.bringUp(cluster);
    await restarted;
    expect(kills).toBeGreaterThanOrEqual(5);
    const found = await read(servers[0]!, cluster.id);
    expect([found.state, found.failure]).toEqual(["ready", null]);
    expect([...life.witness.holders.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(provider.running.size).toBe(3);
    const recorded = (await timeline(cluster.id)).flatMap((event) => {
      const { type, member, phase, state } = event as Record<string, string>;
      return type === "phase" ? [`${member} ${phase} ${state}`] : [];
    });
    expect(recorded).toEqual(life.witness.reports);
  }, 60_000);

  it("reports that its store is unreachable, and that it is back", async () => {
    const server = await serve();
    expect((await ask(server, "/readyz")).status).toBe(200);
    await redis.kill("SIGTERM");
    const [ready, list] = await Promise.all([ask(server, "/readyz"), ask(server, "/v1/clusters")]);
    expect([ready.status, ready.text]).toEqual([503, "the server cannot use its store\n"]);
    expect(list.status).toBe(503);
    expect(JSON.parse(list.text)).toMatchObject({ type: "/problems/store-unavailable", status: 503 });
    expect((await ask(server, "/healthz")).status).toBe(200);
    await redis.start();
    await vi.waitFor(async () => expect((await ask(server, "/readyz")).status).toBe(200), patience);
    expect((await ask(server, "/v1/clusters")).status).toBe(200);
  });
});
