import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Machine } from "#api/machine.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import { startServer, type RunningServer } from "../../metadata-server/serve.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import { whyNoMachines } from "../lab/lab.ts";
import { createBridge, deleteLink } from "../lab/links.ts";
import { type Firmware, type QemuMachine, startQemuMachine, uefiFirmware } from "../lab/qemu-machine.ts";

const missing = ["dnsmasq", "qemu-system-x86_64"].filter((program) => !findProgram(program));
const reason = whyNoMachines() ?? (missing.length > 0 ? `${missing.join(", ")} not installed` : null);
const noUefi = [uefiFirmware, "/usr/lib/ipxe/snponly.efi"].find((file) => !existsSync(file));

const bridge = "sprout-ipxe";
const lines: string[] = [];
let folder: string;
let server: RunningServer;

/** Sprout's DHCP server and boot surface, on a bridge that this test creates. */
async function start(): Promise<void> {
  await createBridge(bridge, ["10.78.0.1/24", "fd78::1/64"]);
  folder = await createLabFolder();
  const config = loadConfig({
    dataDir: folder,
    cacheDir: join(folder, "cache"),
    port: await findFreePort(),
    httpListen: `10.78.0.1:${await findFreePort()}`,
    dhcp: "own",
    dhcpInterface: bridge,
    dhcpRange: "10.78.0.50-10.78.0.99",
  });
  const logger = createJsonLogger((line) => lines.push(line));
  server = await startServer(config, { logger, providers: [] });
}

/** Requests JSON from the server's API. */
async function call(method: string, path: string): Promise<unknown> {
  const { port } = new URL(server.url);
  const ca = await readFile(server.caFile, "utf8");
  const headers = { authorization: `Bearer ${server.token}` };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, method, ca, headers, servername: "localhost" },
      (response) => {
        json(response).then(resolve, reject);
      },
    );
    sent.once("error", reject).end();
  });
}

async function find(mac: string): Promise<Machine | undefined> {
  const { machines } = (await call("GET", `/v1/machines?mac=${mac}`)) as { machines: unknown[] };
  return machines.map((machine) => Machine.parse(machine))[0];
}

describe.skipIf(reason !== null)(`A machine that boots over the network (${reason ?? "real iPXE in QEMU"})`, () => {
  let machine: QemuMachine | undefined;
  beforeAll(start);
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(`${await said()}\n${lines.join("")}\n`);
    await machine?.close();
    machine = undefined;
  });
  afterAll(async () => {
    await server.close();
    await deleteLink(bridge);
    await rm(folder, { recursive: true });
  });

  const boot = async (firmware: Firmware, { mac, ...smbios }: { mac: string; uuid: string; serial: string }) => {
    const consoleFile = join(folder, `${firmware}.console`);
    const tap = `${bridge}-${mac.slice(-2)}`;
    const poweredOnAt = performance.now();
    machine = await startQemuMachine({ firmware, mac, smbios, bridge, tap, memoryMiB: 256, consoleFile });
    await expect.poll(() => find(mac), { timeout: 60_000, interval: 100 }).toBeDefined();
    process.stderr.write(
      `${firmware}: seen ${((performance.now() - poweredOnAt) / 1000).toFixed(1)} s after power-on\n`,
    );
  };
  /** Without the sequences that move the cursor. */
  const said = async () => {
    const text = machine && (await readFile(machine.consoleFile, "latin1"));
    // oxlint-disable-next-line no-control-regex -- a terminal's
    return (text ?? "").replaceAll(/\u001b\[[0-9;=?]*[A-Za-z]/g, "").replaceAll("\r", "");
  };
  const says = async (text: string) => {
    await expect.poll(said, { timeout: 30_000, interval: 200 }).toContain(text);
  };

  it("BIOS: registers, shows its identity, and learns within seconds that it was approved or refused", async () => {
    const identity = {
      mac: "52:54:00:78:00:01",
      uuid: "11111111-2222-3333-4444-555555555555",
      serial: "SN&mac=1%0a||shell",
    };
    await boot("bios", identity);
    const seen = (await find(identity.mac))!;
    expect(seen).toMatchObject({ state: "seen", macs: [identity.mac], uuid: identity.uuid, serial: identity.serial });
    expect(seen.lastSeenFrom).toMatch(/^10\.78\.0\.[5-9]\d$/);
    for (const line of [`MAC ${identity.mac}`, `UUID ${identity.uuid}`, "Serial SN?mac=1?0a??shell"]) await says(line);
    await says(`sprout machines approve ${seen.id}`);
    expect(await call("POST", `/v1/machines/${seen.id}/approve`)).toMatchObject({ state: "free" });
    await says("This machine is approved, and no cluster needs it now");
    expect(await call("POST", `/v1/machines/${seen.id}/refuse`)).toMatchObject({ state: "refused" });
    await says("This machine was refused, approve it to let it in");
  });

  it.skipIf(noUefi !== undefined)("UEFI: loads iPXE by TFTP first, and then registers, too", async () => {
    const identity = { mac: "52:54:00:78:00:02", uuid: "11111111-2222-3333-4444-666666666666", serial: "SN-2" };
    await boot("uefi", identity);
    expect(await find(identity.mac)).toMatchObject({ state: "seen", uuid: identity.uuid, serial: identity.serial });
    await says("This machine is unknown and waits for approval");
    expect(lines.join("")).toMatch(/sent \S*snponly\.efi to 10\.78\.0\./);
  });
});
