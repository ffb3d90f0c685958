import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { createMachineId } from "../../../metadata-server/clusters/identifiers.ts";
import type { MachineRecord } from "../../../metadata-server/store/machine-record.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";
import { createPlainSurface, quiet } from "../plain-surface.ts";
import { serveBench, textOf } from "../serve-bench.ts";

// A process of its own: `server.ts bare|sprout MACHINES FOLDER`.
const [kind = "", count = "", parent = tmpdir()] = process.argv.slice(2);
const folder = await mkdtemp(join(parent, "data-"));
const store = await openSqliteStore({ file: join(folder, "sprout.db"), logger: quiet });
const machines = Array.from({ length: Number(count) }, (_, index) => createMachine(index));
for (let index = 0; index < machines.length; index += 1000)
  await store.commit({ machines: machines.slice(index, index + 1000) });
const paths = machines.map(toPath);
const sprout = createPlainSurface({ store, imagesDir: folder, bootstrapperDir: folder });
serveBench(kind === "bare" ? await createBareApp() : sprout, { paths, folder });

/** Known, inspected and free, and heard of so lately that a request writes nothing: what most requests of waiting machines are. */
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
    hardware: {
      cpus: 8,
      memoryMiB: 32_768,
      disks: [{ name: "sda", sizeGiB: 480 }],
      nics: [{ name: "eth0", mac }],
    },
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

/** As boot.ipxe asks, with all eight of its interfaces. */
function toPath({ provisioningMac, uuid, serial }: MachineRecord): string {
  const mac = provisioningMac.replaceAll(":", "-");
  const texts = `serial-hex=${hex(serial)}&manufacturer-hex=${hex("Bench")}`;
  return `/ipxe?mac=${mac}&uuid=${uuid}&${texts}&nic=${mac}${"&nic=".repeat(7)}`;
}

function hex(text: string | null): string {
  return Buffer.from(text ?? "").toString("hex");
}

/** Hono as it comes with the same scripts in a Map: no check, no store. */
async function createBareApp(): Promise<Hono> {
  const scripts = new Map<string, string>();
  for (const [index, path] of paths.entries())
    scripts.set(machines[index]?.provisioningMac.replaceAll(":", "-") ?? "", await textOf(sprout, path));
  return new Hono().get("/ipxe", (c) => c.text(scripts.get(c.req.query("mac") ?? "") ?? ""));
}
