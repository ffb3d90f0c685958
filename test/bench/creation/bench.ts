import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../../cli/demo/free-port.ts";
import { openRedisStore } from "../../../metadata-server/store/redis/redis-store.ts";
import { parseRedisUrl } from "../../../metadata-server/store/redis/redis-url.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";
import type { Store } from "../../../metadata-server/store/store.ts";
import { type RedisServer, startRedisServer } from "../../fixtures/redis-server.ts";

const clusters = 1000;
const nodes = 4;
const atOnce = 64;
const silent = { info() {}, warn() {}, error() {} };

interface CreationRun {
  /** From the first POST to the last 202, over TLS on kept connections. */
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

export interface CreationBench {
  clusters: number;
  nodes: number;
  atOnce: number;
  sqlite: CreationRun;
  /** A redis-server for this bench alone, `appendfsync always`. */
  redis: CreationRun;
  goalSeconds: number;
}

/** 1,000 POSTs of 4 nodes each to a new server; after a kill right after the last answer, its disk must have all of them. */
export async function benchCreation(onProgress: (text: string) => void): Promise<CreationBench> {
  const sqlite = await run({ onProgress });
  const redis = await runOnRedis(onProgress);
  return { clusters, nodes, atOnce, sqlite, redis, goalSeconds: 5 };
}

interface RunOptions {
  redis?: RedisServer;
  onProgress: (text: string) => void;
}

async function runOnRedis(onProgress: (text: string) => void): Promise<CreationRun> {
  const redis = await startRedisServer();
  try {
    return await run({ redis, onProgress });
  } finally {
    await redis.destroy();
  }
}

async function run({ redis, onProgress }: RunOptions): Promise<CreationRun> {
  const dataDir = await mkdtemp(join(tmpdir(), "sprout-bench-creation-"));
  try {
    onProgress(`creation: ${clusters} clusters of ${nodes} on ${redis ? "Redis" : "SQLite"}`);
    const store = redis && { store: redis.url };
    const settings = { dataDir, port: await findFreePort(), logLevel: "error", ...store };
    const script = join(import.meta.dirname, "server.ts");
    const child = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const [line] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    const server = JSON.parse(line.toString()) as { url: string; caFile: string; token: string };
    try {
      return await createAll({ ...server, ca: await readFile(server.caFile, "utf8") });
    } finally {
      child.kill("SIGKILL");
      await ended;
      await checkDisk(await openAgain(dataDir, redis));
    }
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

async function createAll(server: { url: string; token: string; ca: string }): Promise<CreationRun> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce, ca: server.ca });
  const latencies: number[] = [];
  const numbers = Array.from({ length: clusters }, (_, index) => index).values();
  const startedAt = performance.now();
  const lane = async () => {
    for (const number of numbers) {
      const sentAt = performance.now();
      await post(server, { agent, body: { name: `k${number}`, nodes, provider: "fake" } });
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  agent.destroy();
  const sorted = latencies.toSorted((one, other) => one - other);
  const percentile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { seconds, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
}

function post(server: { url: string; token: string }, { agent, body }: { agent: Agent; body: object }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
  const sent = request(`${server.url}/v1/clusters`, { method: "POST", agent, headers }, (response) => {
    response.resume();
    response.once("end", () => {
      if (response.statusCode === 202) resolve();
      else reject(new Error(`Cannot measure: the server answered ${response.statusCode}`));
    });
  });
  sent.once("error", reject);
  sent.end(JSON.stringify(body));
  return promise;
}

/** Redis is killed as well: only data on its disk comes back. */
async function openAgain(dataDir: string, redis: RedisServer | undefined): Promise<Store> {
  if (redis === undefined) return openSqliteStore({ file: join(dataDir, "sprout.db") });
  await redis.kill("SIGKILL");
  await redis.start();
  return openRedisStore({ target: parseRedisUrl(redis.url), logger: silent });
}

async function checkDisk(store: Store): Promise<void> {
  const found = await store.clusters({ limit: clusters + 1 });
  await store.close();
  if (found.length !== clusters) throw new Error(`Cannot measure: ${found.length} of ${clusters} clusters are on disk`);
}
