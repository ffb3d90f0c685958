import { getEventListeners, once } from "node:events";
import { text } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../fixtures/test-server.ts";
import { listen, type Listener } from "../../metadata-server/listen.ts";
import { loadServerTls } from "../../metadata-server/pki/server-tls.ts";
import type { Store } from "../../metadata-server/store/store.ts";
import { wideLimits } from "../fixtures/wide-limits.ts";
import { patience } from "../fixtures/patience.ts";

const clients = 50;

let server: TestServer;
let listener: Listener;
let port: number;
let ca: string;
let cluster: Cluster;
let worker: TestMachine;
/** Number of watchers of the store that are still registered. */
let watchers: number;

/** Counts the watchers of a cluster. */
const countWatchers = (store: Store): Store => ({
  ...store,
  watch(clusterId, call) {
    const unwatch = store.watch(clusterId, call);
    watchers += 1;
    return () => {
      watchers -= 1;
      unwatch();
    };
  },
});

beforeEach(async () => {
  watchers = 0;
  server = await createTestServer({ store: countWatchers });
  server.provider.plansAddresses = false;
  cluster = await server.create({ nodes: 2 });
  worker = createTestMachine(server, cluster, 1);
  const directory = await temporaryFolder("lost-clients");
  const tls = await loadServerTls({ directory, names: ["localhost"], addresses: ["127.0.0.1"], now: Date.now() });
  ({ ca } = tls);
  port = await findFreePort();
  listener = await listen({ address: "127.0.0.1", port }, { fetch: server.app.fetch, tls, limits: wideLimits });
});
afterEach(async () => {
  await listener.close();
  await server.close();
});

interface Client {
  connection: Socket;
  tls: TLSSocket;
}

async function ask(): Promise<Client> {
  const connection = connect(port, "127.0.0.1");
  const tls = connectTls({ socket: connection, ca, servername: "localhost" });
  for (const socket of [connection, tls]) socket.on("error", () => undefined);
  await once(tls, "secureConnect");
  const head = [
    `GET /node/v1/metadata?mac=${worker.mac}&address=192.0.2.7 HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${worker.capability}`,
    "Connection: close",
  ];
  tls.write(`${head.join("\r\n")}\r\n\r\n`);
  return { connection, tls };
}
const askOften = () => Promise.all(Array.from({ length: clients }, ask));

const held = async () => {
  const { text: metrics } = await server.request("/metrics");
  return Number(/^sprout_held_requests (\d+)$/m.exec(metrics)?.[1]);
};
/** Resources of held requests: entries in the metrics, timers, watchers, and listeners for the server's stop. */
const kept = async () => ({
  held: await held(),
  timers: server.clock.pending(),
  watchers,
  listeners: getEventListeners(server.stopping.signal, "abort").length,
});
const sockets = () => process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS)/.test(kind)).length;

describe("GET /node/v1/metadata, held for clients that disconnect", () => {
  it.each([
    ["close", ({ connection }: Client) => void connection.destroy()],
    ["reset", ({ connection }: Client) => void connection.resetAndDestroy()],
  ])("leaves no timer, watcher, listener or socket after a %s", async (_, disappear) => {
    const [nothing, socketsBefore] = [await kept(), sockets()];
    expect(nothing).toMatchObject({ held: 0, timers: 0, watchers: 0 });
    for (let round = 0; round < 3; round += 1) {
      const asking = await askOften();
      await expect.poll(held, patience).toBe(clients);
      expect(await kept()).toMatchObject({ timers: clients, watchers: clients });
      asking.forEach(disappear);
      await expect.poll(kept, patience).toEqual(nothing);
      await expect.poll(sockets, patience).toBeLessThanOrEqual(socketsBefore);
    }
    expect(server.log.filter((line) => !line.startsWith("Machine"))).toEqual([]);
  });

  it("returns the document when the machine asks again, together with all waiting clients", async () => {
    const gone = await askOften();
    await expect.poll(held, patience).toBe(clients);
    for (const { tls } of gone) tls.destroy();
    await expect.poll(held, patience).toBe(0);
    const waiting = await Promise.all([ask(), ask(), ask()]);
    await expect.poll(held, patience).toBe(3);
    const first = createTestMachine(server, cluster, 0);
    expect((await first.getMetadata(`mac=${first.mac}&address=192.0.2.5`)).status).toBe(200);
    for (const answer of await Promise.all(waiting.map(({ tls }) => text(tls)))) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer).toContain('"address":"192.0.2.5"');
    }
    expect(await kept()).toMatchObject({ held: 0, timers: 0, watchers: 0 });
    expect((await server.cluster(cluster.id)).members.map(({ state }) => state)).toEqual([
      "bootstrapping",
      "bootstrapping",
    ]);
  });
});
