import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeProvider } from "../test/fakes/fake-provider.ts";
import { type Config, loadConfig } from "./config.ts";
import type { MachineSpec } from "./providers/provider.ts";
import { type RunningServer, startServer } from "./serve.ts";

const logger = { info() {}, warn() {}, error() {} };
let config: Config;
let running: RunningServer[];

beforeEach(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "sprout-serve-"));
  config = loadConfig(
    { dataDir, port: await freePort(), listenAddress: "127.0.0.1", serverNames: "sprout.example" },
    {},
  );
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.close()));
  await rm(config.dataDir, { recursive: true });
});

async function start(provider = createFakeProvider()): Promise<RunningServer> {
  const server = await startServer(config, { logger, providers: [provider] });
  running.push(server);
  return server;
}

async function stop(server: RunningServer) {
  running = running.filter((other) => other !== server);
  await server.close();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

interface Call {
  path: string;
  servername?: string;
  ca?: string;
  body?: object;
}

async function call(server: RunningServer, { path, servername = "localhost", ca, body }: Call) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const sent = request(new URL(path, server.url), {
    method: body === undefined ? "GET" : "POST",
    ca: ca ?? (await readFile(server.caFile, "utf8")),
    servername,
    agent: false,
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
  });
  sent.on("response", (response) => {
    text(response)
      .then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }))
      .catch(reject);
  });
  sent.on("error", reject);
  sent.end(body && JSON.stringify(body));
  return promise;
}

describe("startServer", () => {
  it("serves HTTPS with a certificate of its own authority, for every name", async () => {
    config = { ...config, externalServerUrl: "https://outside.example:8443" };
    const server = await start();
    for (const servername of ["localhost", "sprout.example", "outside.example", config.hostName])
      expect((await call(server, { path: "/healthz", servername })).status).toBe(200);
    await expect(call(server, { path: "/healthz", servername: "other.example" })).rejects.toThrow("altnames");
  });

  it("leaves a host name that no certificate can have out of its certificate, with a warning", async () => {
    const warnings: string[] = [];
    config = { ...config, hostName: "rack.42" };
    const warn = (message: string) => void warnings.push(message);
    const server = await startServer(config, { logger: { ...logger, warn }, providers: [createFakeProvider()] });
    running.push(server);
    expect((await call(server, { path: "/healthz", servername: "sprout.example" })).status).toBe(200);
    expect(warnings).toEqual([
      "No certificate can have this host's name; give --server-names the names that machines use",
    ]);
  });

  it("does not answer plain HTTP", async () => {
    const server = await start();
    await expect(fetch(server.url.replace("https:", "http:"))).rejects.toThrow("fetch failed");
  });

  it("serves cloud-init's seeds, and nothing else, over plain HTTP if configured", async () => {
    const provider = createFakeProvider();
    const port = await freePort();
    config = { ...config, httpListen: { address: "127.0.0.1", port } };
    const server = await start(provider);
    const body = { name: "plain", nodes: 1, provider: "fake" };
    expect((await call(server, { path: "/v1/clusters", body })).status).toBe(202);
    while (provider.launched.size === 0) await new Promise(setImmediate);
    const [{ seed, allocation }] = [...provider.launched.values()] as [MachineSpec];
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${url}/nocloud/${seed.capability}/meta-data`)).json()).toMatchObject({
      "instance-id": allocation,
    });
    for (const path of ["/healthz", "/v1/clusters", "/node/v1/metadata"])
      expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
    await stop(server);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it("leaves no port open if the port for plain HTTP is taken", async () => {
    await start();
    const port = await freePort();
    const flags = { port, listenAddress: "127.0.0.1", httpListen: `127.0.0.1:${config.port}` };
    const other = loadConfig({ ...flags, dataDir: join(config.dataDir, "other") }, {});
    await expect(startServer(other, { logger, providers: [] })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${config.port}: listen EADDRINUSE`,
    );
    await expect(fetch(`https://127.0.0.1:${port}/healthz`)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  it("creates its secrets on first start, readable by its owner only, and keeps them", async () => {
    const first = await start();
    const ca = await readFile(first.caFile, "utf8");
    const { token } = first;
    for (const file of ["token", "server.key", "sprout.db"])
      expect([file, (await stat(join(config.dataDir, file))).mode & 0o777]).toEqual([file, 0o600]);
    await stop(first);
    const second = await start();
    expect([second.token, await readFile(second.caFile, "utf8")]).toEqual([token, ca]);
    expect((await call(second, { path: "/v1/clusters", ca })).status).toBe(200);
  });

  it("keeps everything acknowledged, and running machines, after a restart", async () => {
    const provider = createFakeProvider();
    const first = await start(provider);
    const created = await call(first, { path: "/v1/clusters", body: { name: "kept", nodes: 2, provider: "fake" } });
    expect(created.status).toBe(202);
    await stop(first);
    const second = await start(provider);
    expect(JSON.parse((await call(second, { path: "/v1/clusters" })).body)).toMatchObject({
      clusters: [{ name: "kept" }],
    });
    expect(provider.segments.size).toBe(1);
  });

  it("answers held requests when it stops", async () => {
    const server = await start();
    const { body } = await call(server, { path: "/v1/clusters", body: { nodes: 1, provider: "fake" } });
    const { id } = JSON.parse(body) as { id: string };
    const held = call(server, { path: `/v1/clusters/${id}?wait=ready&timeout=300` });
    while (!(await call(server, { path: "/metrics" })).body.includes("sprout_held_requests 1"));
    const events = call(server, { path: `/v1/clusters/${id}/events` });
    while (!(await call(server, { path: "/metrics" })).body.includes("sprout_held_requests 2"));
    await stop(server);
    expect((await held).status).toBe(200);
    expect((await events).body).toContain('"state":"pending"');
  });

  it("names the reason if the port is taken, and leaves nothing open", async () => {
    await start();
    const dataDir = join(config.dataDir, "other");
    const other = loadConfig({ dataDir, port: config.port, listenAddress: "127.0.0.1" }, {});
    const refused = () => startServer(other, { logger, providers: [] });
    const message = `Cannot listen on 127.0.0.1:${config.port}: listen EADDRINUSE`;
    await expect(refused()).rejects.toThrow(message);
    await expect(refused()).rejects.toThrow(message);
  });

  it("refuses a data directory that another server uses", async () => {
    await start();
    await expect(start()).rejects.toThrow("another process has it open");
  });

  it("refuses a token file that others can read", async () => {
    const server = await start();
    await stop(server);
    await chmod(config.tokenFile, 0o644);
    await expect(start()).rejects.toThrow("its mode 0644 gives other users access");
  });
});
