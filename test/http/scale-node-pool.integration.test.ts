import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRedisStore } from "../../metadata-server/store/redis/redis-store.ts";
import { parseRedisUrl } from "../../metadata-server/store/redis/redis-url.ts";
import type { Store } from "../../metadata-server/store/store.ts";
import { createDetachableCluster, type DetachableCluster } from "../fixtures/detachable-cluster.ts";
import { type RedisServer, startRedisServer } from "../fixtures/redis-server.ts";

let redis: RedisServer;
let store: Store;
let on: DetachableCluster;

beforeEach(async () => {
  redis = await startRedisServer();
  store = await openRedisStore({
    target: parseRedisUrl(redis.url),
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const body = { nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [{ name: "gpu", workers: 2 }] };
  on = await createDetachableCluster(body, { store: () => store });
});
afterEach(async () => {
  await on.close();
  await store.close();
  await redis.destroy();
});

const scale = (workers: number) =>
  on.server.request(`/v1/clusters/${on.cluster.id}/node-pools/gpu`, { method: "PATCH", body: { workers } });

describe("PATCH /v1/clusters/{id}/node-pools/{name}, with a real Redis", () => {
  it("gives the pool the number of one of eight requests at once, then of a later one", async () => {
    const answers = await Promise.all([3, 1, 4, 2, 5, 0, 6, 3].map(scale));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    await on.settle();
    const [, pool] = (await on.server.cluster(on.cluster.id)).nodePools;
    expect(pool?.workers).toBe(pool?.members);
    expect((await scale(2)).status).toBe(202);
    await on.settle();
    const { nodePools, members } = await on.server.cluster(on.cluster.id);
    expect(nodePools[1]).toMatchObject({ name: "gpu", workers: 2, members: 2 });
    expect(members.map(({ nodePool }) => nodePool)).toEqual([null, "default", "gpu", "gpu"]);
    expect(on.server.provider.running.size).toBe(4);
  });
});
