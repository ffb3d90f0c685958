import { hash } from "node:crypto";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DhcpOutcome } from "../../test/fixtures/dhcp-client.ts";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { createNamespaces, type Namespace, type Namespaces } from "../../test/fixtures/namespaces.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { patience } from "../../test/fixtures/patience.ts";

const project = join(import.meta.dirname, "../..");
const isPossible = process.platform === "linux" && process.getuid?.() === 0 && findProgram("dnsmasq");
const reason = isPossible ? "" : " (skipped: needs root on Linux, and dnsmasq)";
/** Scattered as in a real rack: dnsmasq's choices for MACs in a row would never meet. */
const macs = (rack: number, count = 80) =>
  Array.from({ length: count }, (_, index) =>
    ["52", "54", "00", ...hash("sha256", `${rack}/${index}`).slice(0, 6).match(/../g)!].join(":"),
  );

describe.skipIf(reason !== "")(`sprout serve --dhcp own, with real dnsmasq in a network namespace${reason}`, () => {
  let namespaces: Namespaces;
  let host: Namespace;
  let rack: Namespace;
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await temporaryFolder("dhcp");
    namespaces = createNamespaces();
    [host, rack] = [await namespaces.create(), await namespaces.create()];
    await namespaces.join([host, "eth1"], [rack, "eth0"]);
    await host.run("ip addr add 10.20.0.1/16 dev eth1");
    await rack.run("ip addr add 10.20.0.2/32 dev eth0");
    await rack.run("ip route add default dev eth0");
  });
  afterEach(() => namespaces.close());

  const flags = ["--data-dir", "DIR", "--http-listen", "10.20.0.1:8080", "--dhcp", "own", "--dhcp-interface", "eth1"];

  /** Returns a function that ends it, and resolves with its log. */
  async function serve(range: string) {
    const args = [...flags.map((flag) => (flag === "DIR" ? dataDir : flag)), "--dhcp-range", range];
    const server = host.start("sh", ["-c", 'exec "$@" 2>&1', "sh", process.execPath, "cli/main.ts", "serve", ...args]);
    let log = "";
    server.stdout!.on("data", (data) => (log += String(data)));
    await expect.poll(() => log, { timeout: 30_000 }).toContain("Authority:");
    return async () => {
      server.kill("SIGTERM");
      await once(server, "exit");
      return log;
    };
  }

  async function importMachines(rows: readonly string[]) {
    const file = join(dataDir, "rack.csv");
    await writeFile(file, ["macs", ...rows].join("\n"));
    const access = `--server https://127.0.0.1:8443 --ca ${dataDir}/tls/ca.crt --token-file ${dataDir}/token`;
    await host.run(`${process.execPath} ${project}/cli/main.ts machines import ${file} ${access}`);
  }

  const reserved = async () => {
    const lines = (await readFile(join(dataDir, "dhcp/hosts"), "utf8")).split("\n");
    return new Map(lines.filter((line) => line !== "").map((line) => line.split(",") as [string, string]));
  };

  async function askForAll(cards: readonly string[]): Promise<DhcpOutcome[]> {
    const script = join(project, "test/fixtures/dhcp-client.ts");
    const client = rack.start(process.execPath, [script, JSON.stringify(cards)]);
    return JSON.parse(await text(client.stdout!)) as DhcpOutcome[];
  }

  it("grants 80 known machines that discover at once the address that each was offered, now and after a restart", async () => {
    const end = await serve("10.20.0.50-10.20.0.250");
    const cards = macs(0);
    // Two cards each.
    await importMachines(Array.from({ length: 40 }, (_, index) => `${cards[2 * index]} ${cards[2 * index + 1]}`));
    await expect.poll(async () => (await reserved()).size, patience).toBe(80);
    const first = await askForAll(cards);
    expect(first.filter(({ answer }) => answer !== "ack")).toEqual([]);
    expect(new Set(first.map(({ offered }) => offered)).size).toBe(80);
    expect(new Map(first.map(({ mac, offered }) => [mac, offered]))).toEqual(await reserved());
    expect(await end()).toContain('"The DHCP range is small');
    const endAgain = await serve("10.20.0.50-10.20.0.250");
    expect(await askForAll(cards)).toEqual(first);
    await endAgain();
  });

  it("keeps the addresses of machines that booted before they were registered", async () => {
    const end = await serve("10.20.1.0-10.20.255.250");
    const cards = macs(1, 8);
    const before = await askForAll(cards);
    expect(before.filter(({ answer }) => answer !== "ack")).toEqual([]);
    await importMachines(cards);
    await expect.poll(async () => (await reserved()).size, patience).toBe(8);
    expect(await askForAll(cards)).toEqual(before);
    expect((await stat(join(dataDir, "dhcp/hosts"))).mode & 0o777).toBe(0o600);
    expect(await end()).not.toContain("The DHCP range is small");
  });

  it("serves the network of --http-listen on an interface with two addresses", async () => {
    await host.run("ip addr flush dev eth1");
    for (const address of ["192.0.2.5/24", "10.20.0.1/16"]) await host.run(`ip addr add ${address} dev eth1`);
    const end = await serve("10.20.1.0-10.20.255.250");
    expect(await askForAll(macs(2, 3))).toEqual(
      macs(2, 3).map((mac) => ({ mac, offered: expect.stringMatching(/^10\.20\./), answer: "ack" })),
    );
    await end();
    const print = `${project}/cli/main.ts dhcp-config --mode proxy --interface eth1 --http-listen 10.20.0.1:8080`;
    expect(await host.run(`${process.execPath} ${print}`)).toContain("\ndhcp-range=10.20.0.0,proxy,255.255.0.0\n");
  });
});
