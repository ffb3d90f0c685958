import { PassThrough } from "node:stream";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { Seed } from "#api/seed.ts";
import { simulateBringUp } from "../../bootstrapper/simulated/bring-up.ts";
import { createSimulatedKubernetes } from "../../bootstrapper/simulated/kubernetes.ts";
import { createExternalProvider } from "../../metadata-server/providers/external/external-provider.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { type RunningServer, startServer } from "../../metadata-server/serve.ts";
import { createFakeProvider } from "../../test/fakes/fake-provider.ts";
import { patience } from "../../test/fixtures/patience.ts";
import { createApiClient } from "../client/api-client.ts";
import { loadConnection } from "../client/connection.ts";
import { findFreePort } from "../demo/free-port.ts";
import { readEnvironment } from "../environment.ts";
import { runProgram } from "../program.ts";
import { planHardware } from "./plan.ts";
import type { Simulation } from "./tally.ts";

let dataDir: string;
let server: RunningServer;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-simulate-"));
});
afterEach(async () => {
  await server.close();
  await rm(dataDir, { recursive: true });
});

/** A real server for machines of the provider `external`, unless it has no such provider. */
async function serve({ isExternal = true } = {}) {
  const port = await findFreePort();
  const config = loadConfig({ dataDir, port, listenAddress: "127.0.0.1" }, {});
  const external = createExternalProvider({
    serverUrl: `https://127.0.0.1:${port}`,
    kubernetesVersions: [defaultKubernetesVersion],
  });
  const logger = { info() {}, warn() {}, error() {} };
  server = await startServer(config, { logger, providers: [isExternal ? external : createFakeProvider()] });
}

const connect = async () => {
  const connection = await loadConnection({ server: server.url, dataDir }, { server: undefined, token: undefined });
  return createApiClient(connection, { signal: new AbortController().signal, now: Date.now });
};

const read = (stream: PassThrough) => (stream.read() as string | null) ?? "";

async function sprout(argv: string[], signal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough({ encoding: "utf8" }), new PassThrough({ encoding: "utf8" })];
  const environment = { ...readEnvironment({}), dataDir };
  const exitCode = await runProgram(["--server", server.url, ...argv], {
    stdout,
    stderr,
    environment,
    signal,
    now: Date.now,
  });
  return { exitCode, stdout: read(stdout), stderr: read(stderr) };
}

const untilGone = async () => {
  const client = await connect();
  await vi.waitFor(async () => expect(await client.list({ state: "deleted" })).not.toHaveLength(0), patience);
  await vi.waitFor(async () => {
    const states = (await client.list()).map(({ state }) => state);
    expect(states.every((state) => state === "deleted")).toBe(true);
  }, patience);
};

describe("sprout simulate with a real server", () => {
  it("brings up simulated machines in clusters, reports their times, and leaves no cluster", async () => {
    await serve();
    const { exitCode, stdout } = await sprout(["simulate", "--machines", "7", "--cluster-size", "3", "--json"]);
    const result = JSON.parse(stdout) as Simulation;
    expect(result).toMatchObject({ readyMachines: 7, failedMachines: 0, clusters: 3, readyClusters: 3, errors: [] });
    expect(Object.entries(result.times).map(([name, { count }]) => [name, name === "report" || count])).toEqual([
      ["create", 3],
      ["user-data", 7],
      ["metadata", 7],
      ["claim", 7],
      ["confirm", 7],
      ["report", true],
      ["ready", 3],
    ]);
    // The reports of the real plan: a start and an end of every step.
    expect(result.times.report?.count).toBeGreaterThan(7 * 18);
    expect(exitCode).toBe(0);
    await untilGone();
  });

  it("deletes the clusters of an interrupted simulation, and exits with 130", async () => {
    await serve();
    const interrupted = new AbortController();
    const running = sprout(["simulate", "--machines", "200", "--at-once", "20"], interrupted.signal);
    const client = await connect();
    await vi.waitFor(async () => expect(await client.list()).not.toHaveLength(0), patience);
    interrupted.abort();
    expect(await running).toMatchObject({ exitCode: 130, stderr: "Interrupted\n" });
    await untilGone();
  });

  it("reports that a server has no machines that others launch", async () => {
    await serve({ isExternal: false });
    const { exitCode, stderr } = await sprout(["simulate", "--machines", "4"]);
    expect(stderr).toContain("external");
    expect(exitCode).not.toBe(0);
  });
});

describe("simulateBringUp", () => {
  it("names a simulated peer that never came, and its cluster fails with the name", async () => {
    await serve();
    const client = await connect();
    const cluster = await client.create({ name: "half", nodes: 2, provider: "external", deadlineSeconds: 5 });
    const [first = "", absent = ""] = cluster.members.map(({ name }) => name);
    const seed = Seed.parse(JSON.parse(await client.userData(cluster.id, { member: first, format: "seed" })));
    const alone = simulateBringUp({
      seed,
      hardware: planHardware("half", 0),
      kubernetes: createSimulatedKubernetes(),
      onCall: () => undefined,
      onRefusedReport: () => undefined,
      signal: new AbortController().signal,
      contactTimeoutMs: 60_000,
    });
    await expect(alone).rejects.toThrow(`Cannot prove the cluster: 1 of 2 simulated peers are missing: ${absent}`);
    const { state, failure } = await client.get(cluster.id);
    expect([state, failure?.message]).toEqual(["failed", `Peers missing at the deadline: ${absent} (never called)`]);
  });
});
