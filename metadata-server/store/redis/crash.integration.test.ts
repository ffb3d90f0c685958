import { cp, mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { checkSurvivor, commitUntilKilled, wholeCluster } from "../../../test/contract/store/crash.ts";
import { clusterEvent, createClusterRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { readCluster, secretBytes } from "../../../test/contract/store/subject.ts";
import type { Store } from "../store.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let server: RedisServer;
beforeEach(async () => {
  server = await startRedisServer();
});
afterEach(() => server.destroy());

const open = ({ url }: RedisServer): Promise<Store> => openRedisStore({ target: parseRedisUrl(url), logger: silent });

describe("Redis store after a crash", () => {
  it.for([
    { title: "the writing process", crashOf: "writer" as const },
    { title: "redis-server", crashOf: "redis" as const },
  ])(
    "has every acknowledged commit, each whole, after $title was killed at 8 random moments",
    { timeout: 60_000 },
    async ({ crashOf }) => {
      const acknowledged = new Set<number>();
      let unacknowledged = 0;
      for (let round = 0, first = 8; round < 8; round++) {
        const moment = { afterCommits: 1 + Math.floor(Math.random() * 200), delayMs: Math.random() * 4 };
        const seen = await commitUntilKilled(server.url, {
          first,
          ...moment,
          async crash(writer) {
            if (crashOf === "redis") await server.kill("SIGKILL");
            writer.kill("SIGKILL");
          },
        });
        for (const number of seen) acknowledged.add(number);
        if (crashOf === "redis") await server.start();
        const store = await open(server);
        const { found, next } = await checkSurvivor(store, { acknowledged, first });
        await store.close();
        unacknowledged = found.size - acknowledged.size;
        first = next;
      }
      // At each crash at most one round of commits was under way.
      expect(unacknowledged).toBeLessThanOrEqual(8 * 8);
    },
  );

  it("keeps every commit up to the point where its log is truncated, each of them whole", async () => {
    const store = await open(server);
    const logSizes: number[] = [];
    for (let number = 0; number < 6; number++) {
      const id = `c-${number}`;
      await store.commit({
        clusters: [createClusterRecord({ id })],
        members: ["node01", "node02"].map((name) => createMemberRecord({ clusterId: id, name })),
        secrets: [{ clusterId: id, member: null, sealed: secretBytes(id.repeat(2000)) }],
        events: ["created", "planned"].map((message) => ({ clusterId: id, event: clusterEvent(message) })),
      });
      logSizes.push((await stat(await findLog(server.directory))).size);
    }
    await store.close();
    const [start = 0, end = 0] = [logSizes[0], logSizes.at(-1)];
    for (let cut = start; cut <= end; cut += Math.ceil((end - start) / 12)) {
      const directory = await mkdtemp(join(tmpdir(), "sprout-cut-"));
      await cp(server.directory, directory, { recursive: true, filter: (path) => !path.endsWith(".sock") });
      await truncate(await findLog(directory), cut);
      const survivor = await startRedisServer({ directory });
      const cutStore = await open(survivor);
      const ids = (await cutStore.clusters({ limit: 100 })).map(({ id }) => id).toSorted();
      expect(ids).toEqual(logSizes.flatMap((size, number) => (size <= cut ? [`c-${number}`] : [])));
      for (const id of ids) expect(await readCluster(cutStore, id)).toEqual(wholeCluster(id, id.repeat(2000)));
      await cutStore.close();
      await survivor.destroy();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Finds the part of the append-only file that is being written: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ */
async function findLog(directory: string): Promise<string> {
  const folder = join(directory, "appendonlydir");
  const name = (await readdir(folder)).find((file) => file.endsWith(".incr.aof"));
  return join(folder, name ?? "");
}
