import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedisServer } from "../fixtures/redis-server.ts";
import { type Replicas, startReplicas } from "./start-replicas.ts";

let redis: RedisServer;
let replicas: Replicas;
beforeEach(async () => {
  redis = await startRedisServer();
  replicas = await startReplicas({ prefix: "127.66", settings: { store: redis.url, drainSeconds: 2 } });
});
afterEach(async () => {
  await replicas.destroy();
  await redis.destroy();
});

/** Calls again and again until the signal aborts, and counts the answers. A call that fails is not repeated. */
async function repeat(
  call: (round: number) => Promise<{ status: number }>,
  { pauseMs, until }: { pauseMs: number; until: AbortSignal },
): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  for (let round = 0; !until.aborted; round += 1) {
    const answer = await call(round).then(({ status }) => String(status), String);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    await sleep(pauseMs);
  }
  return answers;
}

/** Follows a timeline until the signal aborts; begins again after the last event when the stream ends. */
async function follow(path: string, until: AbortSignal): Promise<{ sequences: number[]; streams: number }> {
  const sequences: number[] = [];
  let streams = 0;
  while (!until.aborted) {
    streams += 1;
    const { text } = await replicas.ask(path, { headers: { "last-event-id": String(sequences.at(-1) ?? 0) } });
    sequences.push(...Array.from(text.matchAll(/^id: (\d+)$/gm), ([, id]) => Number(id)));
  }
  return { sequences, streams };
}

describe("Three replicas behind HAProxy that are restarted in turn", () => {
  it("lose no call, creation, held request or event", async () => {
    const created = await replicas.ask("/v1/clusters", { body: { name: "steady", nodes: 2, provider: "simulated" } });
    const path = `/v1/clusters/${(JSON.parse(created.text) as { id: string }).id}`;
    const done = new AbortController();
    const create = (round: number) =>
      replicas.ask("/v1/clusters", { body: { name: `life${round}`, nodes: 1, provider: "simulated" } });
    const until = done.signal;
    const clients = Promise.all([
      repeat(() => replicas.ask(path), { pauseMs: 5, until }),
      repeat(() => replicas.ask(`${path}?wait=ready&timeout=3`), { pauseMs: 100, until }),
      repeat(create, { pauseMs: 200, until }),
    ]);
    const following = follow(`${path}/events`, until);
    for (const server of replicas.servers) await server.restart();
    done.abort();
    const [reads, holds, creations] = await clients;
    // The stream of a cluster that is deleted ends.
    await fetchDeletion(path);
    const { sequences, streams } = await following;
    expect([...reads.keys(), ...holds.keys(), ...creations.keys()]).toEqual(["200", "200", "202"]);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(streams).toBeGreaterThan(1);
  });
});

async function fetchDeletion(path: string): Promise<void> {
  const [server] = replicas.servers;
  await server.client().delete(path.split("/").at(-1) ?? "");
}
