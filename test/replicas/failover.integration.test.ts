import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditPage } from "#api/audit.ts";
import { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { type SentinelGroup, startSentinelGroup } from "../fixtures/redis-sentinels.ts";
import { listSimulatedMachines } from "../simulation/simulated-provider.ts";
import { checkHistory, type History } from "./check-history.ts";
import { Refused, runLightNode } from "./light-node.ts";
import { type Replicas, startReplicas } from "./start-replicas.ts";

const clusterCount = 50;
const nodesOfEach = 4;
/** So that clusters come up during every fault. */
const creationMs = 900;

let redis: SentinelGroup;
let replicas: Replicas;
beforeEach(async () => {
  redis = await startSentinelGroup();
  replicas = await startReplicas({ prefix: "127.67", settings: { store: redis.url, drainSeconds: 1 } });
});
afterEach(async () => {
  await replicas.destroy();
  await redis.destroy();
});

/** Repeats a call of the cluster API until it is answered, as a platform does. */
async function persist(path: string, options: Parameters<Replicas["ask"]>[1] = {}): Promise<unknown> {
  for (;;) {
    const answer = await replicas.ask(path, options).catch((error: unknown) => ({ status: 503, text: String(error) }));
    if (answer.status < 300) return JSON.parse(answer.text);
    if (answer.status !== 503) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    await sleep(300);
  }
}

type Life = Pick<History, "promised"> & { repeats: Map<string, number> };

async function createClusters({ promised }: Life): Promise<Cluster[]> {
  const creating: Promise<Cluster>[] = [];
  for (let index = 0; index < clusterCount; index += 1) {
    const body = { name: `life${index}`, nodes: nodesOfEach, provider: "simulated" };
    const create = async () => {
      const cluster = Cluster.parse(
        await persist("/v1/clusters", { body, headers: { "idempotency-key": `life-${index}` } }),
      );
      promised.push({ at: Date.now(), clusterId: cluster.id, kind: "created" });
      return cluster;
    };
    creating.push(create());
    await sleep(creationMs);
  }
  return Promise.all(creating);
}

/** Runs a light node for every machine that is launched, until the signal aborts. A machine launched again is another. */
async function runMachines(life: Life, ending: AbortSignal): Promise<void> {
  const started = new Map<string, Promise<void>>();
  const networks = new Map<string, PromiseWithResolvers<void>>();
  const networkOf = (clusterId: string, name: string) => {
    const key = `${clusterId}/${name.split(".")[0]}`;
    const done = networks.get(key) ?? Promise.withResolvers<void>();
    networks.set(key, done);
    return done;
  };
  const failures: unknown[] = [];
  while (!ending.aborted) {
    for (const spec of await listSimulatedMachines(replicas.folder)) {
      const { clusterId, name, seed } = spec;
      if (started.has(seed.capability)) continue;
      const workers = Array.from({ length: nodesOfEach - 1 }, (_, index) => `node0${index + 1}`);
      const isFirst = spec.role === "control-plane";
      const node = runLightNode({
        spec,
        peersDone: isFirst ? Promise.all(workers.map((worker) => networkOf(clusterId, worker).promise)) : undefined,
        onPromise(promised) {
          life.promised.push(promised);
          if (promised.kind === "reported" && promised.phase === "network") networkOf(clusterId, name).resolve();
        },
        onRepeat: (reason) => void life.repeats.set(reason, (life.repeats.get(reason) ?? 0) + 1),
        pauseMs: 200 + Math.random() * 1500,
        signal: ending,
      }).catch(async (error: unknown) => {
        if (ending.aborted) return;
        const current = await listSimulatedMachines(replicas.folder);
        const isReplaced = !current.some((each) => each.seed.capability === seed.capability);
        if (!(error instanceof Refused && isReplaced)) failures.push(error);
      });
      started.set(seed.capability, node);
    }
    await sleep(500);
  }
  await Promise.all(started.values());
  expect(failures).toEqual([]);
}

/** Kills every process in turn. Returns when masters of Redis were killed. */
async function killInTurn(): Promise<number[]> {
  const failovers: number[] = [];
  const failOver = async () => {
    const master = await redis.master();
    failovers.push(Date.now());
    await master.kill("SIGKILL");
    await vi.waitFor(async () => expect((await redis.master()).url).not.toBe(master.url), { timeout: 60_000 });
    await master.start();
    await redis.settled();
  };
  const [one, two, three] = replicas.servers;
  await sleep(3000);
  await one.crash();
  await failOver();
  // Longer than it keeps its leases: it comes back to work that another one has.
  two.freeze(13_000);
  for (const sentinel of redis.sentinels) {
    await sentinel.kill();
    await sleep(1000);
    await sentinel.start();
  }
  await three.crash();
  const master = await redis.master();
  const replica = redis.servers.find(({ url }) => url !== master.url)!;
  await replica.kill("SIGKILL");
  await sleep(1000);
  await replica.start();
  await redis.settled();
  await three.restart();
  await failOver();
  await two.crash();
  return failovers;
}

async function readHistory(clusters: readonly Cluster[]): Promise<Omit<History, "promised" | "failovers">> {
  const audit: History["audit"] = [];
  for (let after = 0; ;) {
    const { entries, next } = AuditPage.parse(await persist(`/v1/audit?after=${after}`));
    audit.push(...entries);
    if (next === null) break;
    after = next;
  }
  // Of the store itself: what a server says might come from a copy.
  const client = (await redis.master()).client();
  const found = await Promise.all(
    clusters.map(async ({ id }) => {
      const cluster = Cluster.parse(await persist(`/v1/clusters/${id}`));
      const entries = await client.xrange(`sprout:cluster:${id}:events`, "-", "+");
      const events = entries.map(([sequence, [, json = ""]]): Event => ({
        ...(JSON.parse(json) as Event),
        sequence: Number.parseInt(sequence, 10),
      }));
      return { cluster, events };
    }),
  );
  client.disconnect();
  return { clusters: found, machines: await listSimulatedMachines(replicas.folder), audit };
}

describe("Three replicas, Redis with a replica and three sentinels, all real and killed in turn", () => {
  it("bring up 200 simulated machines: all ready, one holder of each secret, nothing twice, nothing lost", async () => {
    const life: Life = { promised: [], repeats: new Map() };
    const ending = new AbortController();
    const startedAt = performance.now();
    const machines = runMachines(life, ending.signal);
    const [clusters, failovers] = await Promise.all([createClusters(life), killInTurn()]);
    const waiting = { timeout: 120_000, interval: 500 };
    for (const { id } of clusters)
      await vi.waitFor(
        async () => expect((await persist(`/v1/clusters/${id}`)) as Cluster).toMatchObject({ state: "ready" }),
        waiting,
      );
    ending.abort();
    await machines;
    const { violations, lost } = checkHistory({ ...(await readHistory(clusters)), promised: life.promised, failovers });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    // oxlint-disable-next-line no-console -- the numbers that the documentation has
    console.log(
      `${life.promised.length} acknowledged writes, ${lost.length} lost in ${failovers.length} failovers, ${seconds} s;`,
      `calls repeated for ${JSON.stringify(Object.fromEntries(life.repeats))}`,
    );
    expect(violations).toEqual([]);
    expect(lost).toEqual([]);
  });
});
