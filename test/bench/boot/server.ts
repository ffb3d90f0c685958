import { mkdtemp, writeFile } from "node:fs/promises";
import { randomBytes, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createBootAssets } from "../../../metadata-server/boot/boot-assets.ts";
import { createBootstrapperExecutables } from "../../../metadata-server/cloud-init/bootstrapper-executables.ts";
import { createBackground } from "../../../metadata-server/clusters/background.ts";
import { systemClock } from "../../../metadata-server/clusters/clock.ts";
import { createMachineId } from "../../../metadata-server/clusters/identifiers.ts";
import { createRefusalLimiter } from "../../../metadata-server/clusters/refusals.ts";
import { createMetrics } from "../../../metadata-server/http/metrics.ts";
import { createPlainApp } from "../../../metadata-server/http/plain-app.ts";
import type { MachineRecord } from "../../../metadata-server/store/machine-record.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";

// A process of its own: `server.ts bare|sprout MACHINES FOLDER`.
const [kind = "", count = "", folder = tmpdir()] = process.argv.slice(2);
const dataDir = await mkdtemp(join(folder, "data-"));
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = await openSqliteStore({ file: join(dataDir, "sprout.db"), logger: quiet });
const machines = Array.from({ length: Number(count) }, (_, index) => createMachine(index));
for (let index = 0; index < machines.length; index += 1000)
  await store.commit({ machines: machines.slice(index, index + 1000) });
const queries = machines.map(toQuery);
const app = createSproutApp();
/** Where the sightings of the records are from. */
const loopback = { incoming: { socket: { remoteAddress: "127.0.0.1" } } };
const served = kind === "bare" ? await createBareApp() : app;

const server = serve({ fetch: served.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
  const file = join(dataDir, "machines");
  void writeFile(file, queries.join("\n")).then(() =>
    process.stdout.write(`${JSON.stringify({ port, machines: file })}\n`),
  );
});
process.once("SIGTERM", () => {
  server.close();
  process.exit(0);
});

/** Known and free, and heard of so lately that a request writes nothing: what most requests of waiting machines are. */
function createMachine(index: number): MachineRecord {
  const mac = `52:54:00:${[16, 8, 0].map((shift) => ((index >> shift) & 255).toString(16).padStart(2, "0")).join(":")}`;
  const now = Date.now();
  return {
    id: createMachineId(randomBytes),
    state: "free",
    macs: [mac],
    uuid: randomUUID(),
    serial: `SN-${index}`,
    manufacturer: "Bench",
    hardware: null,
    labels: { rack: `r${index % 40}` },
    provisioningMac: mac,
    clusterMac: mac,
    power: { driver: "manual" },
    assignment: null,
    bootWindow: null,
    createdAt: now,
    firstSeenAt: now,
    lastSeenAt: now + 3_600_000,
    lastSeenFrom: "127.0.0.1",
    events: [{ at: new Date(now).toISOString(), type: "state", message: "Approved by api: free" }],
    version: 0,
  };
}

function toQuery({ provisioningMac, uuid, serial }: MachineRecord): string {
  const mac = provisioningMac.replaceAll(":", "-");
  return `mac=${mac}&uuid=${uuid}&serial-hex=${hex(serial)}&manufacturer-hex=${hex("Bench")}&nic=${mac}&nic=&nic=&nic=&nic=&nic=&nic=&nic=`;
}

function hex(text: string | null): string {
  return Buffer.from(text ?? "").toString("hex");
}

function createSproutApp(): Hono {
  const metrics = createMetrics(store);
  return createPlainApp({
    clusters: {
      store,
      providers: new Map(),
      serverKeys: [randomBytes(32)],
      serviceAccountKeys: { take: () => Promise.reject(new Error("the bench creates no cluster")) },
      ca: "",
      baseDomain: "bench.test",
      clock: systemClock,
      random: randomBytes,
      background: createBackground(quiet),
      refusals: createRefusalLimiter(),
      deletedRetentionMs: 86_400_000,
      observer: metrics.observer,
      logger: quiet,
    },
    apiToken: "unused",
    metrics,
    stopping: new AbortController().signal,
    assets: createBootAssets({ imagesDir: dataDir, ipxeDir: dataDir }),
    executables: createBootstrapperExecutables(dataDir),
    apiPort: 8443,
    hosts: ["127.0.0.1"],
  });
}

/** Hono as it comes with the same scripts in a Map: no check, no store. */
async function createBareApp(): Promise<Hono> {
  const scripts = new Map<string, string>();
  for (const [index, query] of queries.entries()) {
    const answer = await app.request(`http://127.0.0.1/ipxe?${query}`, {}, loopback);
    scripts.set(machines[index]?.provisioningMac.replaceAll(":", "-") ?? "", await answer.text());
  }
  return new Hono().get("/ipxe", (c) => c.text(scripts.get(c.req.query("mac") ?? "") ?? ""));
}
