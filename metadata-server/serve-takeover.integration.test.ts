import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cluster } from "#api/cluster.ts";
import { findFreePort } from "../cli/demo/free-port.ts";
import { readDoubled, readMachines, readSegments } from "../test/fakes/folder-provider.ts";
import type { KillPoint } from "../test/fixtures/kill-point.ts";
import { type MortalProcess, startMortalProcess } from "../test/fixtures/mortal-process.ts";
import { patience } from "../test/fixtures/patience.ts";
import { type RedisServer, startRedisServer } from "../test/fixtures/redis-server.ts";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";

let redis: RedisServer;
let servers: MortalProcess[];
let dataDir: string;

beforeEach(async () => {
  redis = await startRedisServer();
  dataDir = await temporaryFolder("serve-takeover");
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await redis.destroy();
});

/** Starts a replica on the shared Redis, with shared (fake) machines; it kills itself at its point. */
async function serve(killAt: KillPoint | null = null): Promise<MortalProcess> {
  const settings = { store: redis.url, listenAddress: "127.0.0.1" };
  const options = {
    dataDir,
    cacheDir: dataDir,
    port: await findFreePort(),
    machines: "fake",
    killAt,
    settings,
  } as const;
  const server = await startMortalProcess(options);
  if (server === undefined) throw new Error("The server was killed before it served");
  servers.push(server);
  return server;
}

async function ask(server: MortalProcess, path: string, body?: unknown, method?: string): Promise<Cluster> {
  const answer = await server.request(path, { ...(body !== undefined && { body }), ...(method && { method }) });
  if (answer === undefined || answer.status >= 300) throw new Error(`${path}: ${answer?.status} ${answer?.text}`);
  return Cluster.parse(JSON.parse(answer.text));
}
const asked = { name: "life", nodes: 3, provider: "fake" };
const folder = () => join(dataDir, "provider");
const running = () => readMachines(folder()).map(({ name }) => name.split(".")[0]);

describe("startServer, replicas of which one is killed", () => {
  it("launches the machines of a replica that died while it launched them, and doubles none", async () => {
    const dying = await serve({ operation: "launch", nth: 2, when: "after" });
    const left = await serve();
    const { id } = await ask(dying, "/v1/clusters", asked);
    expect(await dying.ended).toBe("SIGKILL");
    await vi.waitFor(async () => {
      const { members } = await ask(left, `/v1/clusters/${id}`);
      expect(members.map(({ state }) => state)).toEqual(["launched", "launched", "launched"]);
    }, patience);
    expect(new Set(running())).toEqual(new Set(["cp01", "node01", "node02"]));
    expect(readDoubled(folder())).toBeUndefined();
  });

  it("finishes the deletion of a replica that died while it deleted", async () => {
    const dying = await serve({ operation: "terminate", nth: 2, when: "before" });
    const left = await serve();
    const { id } = await ask(left, "/v1/clusters", asked);
    await vi.waitFor(() => expect(running()).toHaveLength(3), patience);
    await ask(dying, `/v1/clusters/${id}`, undefined, "DELETE");
    expect(await dying.ended).toBe("SIGKILL");
    await vi.waitFor(async () => expect((await ask(left, `/v1/clusters/${id}`)).state).toBe("deleted"), patience);
    expect([running(), readSegments(folder())]).toEqual([[], []]);
  });

  it("deletes a cluster that another replica is launching, and leaves no machine", async () => {
    const [one, other] = [await serve(), await serve()];
    const { id } = await ask(one, "/v1/clusters", { ...asked, nodes: 40 });
    await ask(other, `/v1/clusters/${id}`, undefined, "DELETE");
    await vi.waitFor(async () => expect((await ask(one, `/v1/clusters/${id}`)).state).toBe("deleted"), patience);
    expect([running(), readSegments(folder())]).toEqual([[], []]);
  });

  it("does not touch the machines that another replica launches while it starts", async () => {
    const one = await serve();
    const creating = Array.from({ length: 10 }, (_, index) =>
      ask(one, "/v1/clusters", { ...asked, name: `life${index}` }),
    );
    const starting = Promise.all([serve(), serve()]);
    const created = await Promise.all(creating);
    await starting;
    await vi.waitFor(async () => {
      for (const { id } of created) {
        const { members } = await ask(one, `/v1/clusters/${id}`);
        expect(members.map(({ state }) => state)).toEqual(["launched", "launched", "launched"]);
      }
    }, patience);
    expect(running()).toHaveLength(30);
    expect(readDoubled(folder())).toBeUndefined();
  });
});
