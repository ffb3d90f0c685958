import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Machine } from "#api/machine.ts";
import { MachineSighting } from "#api/machine-sighting.ts";
import { runSprout } from "../../test/fixtures/run-sprout.ts";
import { apiToken, createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { openCredentials } from "../../metadata-server/machines/power-settings.ts";
import { seeMachine } from "../../metadata-server/machines/see-machine.ts";

let server: TestServer;
let folder: string;
beforeEach(async () => {
  server = await createTestServer();
  folder = await mkdtemp(join(tmpdir(), "sprout-cli-"));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const [one, two] = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];

/** The real inventory behind the command line's TLS. */
const serve = (app: Hono) =>
  app.all("*", async (c) => {
    const { method, url } = c.req.raw;
    const headers = new Headers(c.req.raw.headers);
    headers.set("authorization", `Bearer ${apiToken}`);
    const body = method === "GET" ? {} : { body: await c.req.arrayBuffer() };
    return server.app.request(url, { method, headers, ...body });
  });
const sprout = (...argv: string[]) => runSprout(["machines", ...argv], serve);
const see = async (mac = one) => {
  const sighting = { ...MachineSighting.parse({ macs: [mac], serial: "S\u00e4 & %0a" }), from: "10.99.0.50" };
  return (await seeMachine(server.clusters, sighting)).machine.id;
};
const file = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe("sprout machines", () => {
  it("approves by MAC and by id, and shows each machine's state", async () => {
    const [first, second] = [await see(), await see(two)];
    expect(await sprout("approve", one, second)).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: `${first} (${one}) is free\n${second} (${two}) is free\n`,
    });
    expect((await sprout("refuse", two)).stderr).toBe(`${second} (${two}) is refused\n`);
    const { stdout } = await sprout("show", one);
    expect(stdout).toContain("State:           free\n");
    expect(stdout).toContain("Serial:          Sä & %0a\n");
    expect(stdout.trimEnd().split("\n").slice(-2)).toEqual([
      "2026-01-02T03:04:05.000Z  state  Seen for the first time, from 10.99.0.50",
      "2026-01-02T03:04:05.000Z  state  Approved by api: free",
    ]);
  });

  it("imports CSV and JSON, and lists by state and label", async () => {
    expect(
      await sprout(
        "import",
        await file("rack.csv", `macs,label.rack,cpus,memory_mib,disks\n${one},r1,8,16384,sda:447\n`),
      ),
    ).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "1 machines registered\n",
    });
    await sprout("import", await file("rack.json", JSON.stringify({ machines: [{ macs: [two], state: "free" }] })));
    const { stdout } = await sprout("list", "--label", "rack=r1");
    const [headings, row, ...rest] = stdout.trimEnd().split("\n");
    expect(headings?.split(/ {2,}/)).toEqual([
      "ID",
      "MAC",
      "STATE",
      "NODE",
      "CPUS",
      "MEMORY",
      "DISKS",
      "LABELS",
      "LAST SEEN",
    ]);
    expect(row?.split(/ {2,}/).slice(1)).toEqual([
      one,
      "approved",
      "-",
      "8",
      "16 GiB",
      "sda 447 GiB",
      "rack=r1",
      "never",
    ]);
    expect(rest).toEqual([]);
    const json = JSON.parse((await sprout("list", "--state", "free", "--json")).stdout) as { macs: string[] }[];
    expect(json.map(({ macs }) => macs)).toEqual([[two]]);
  });

  it("lists a provider's machines with their age", async () => {
    const running = {
      id: "i-0123456789abcdef0",
      clusterId: "c-aaaaaaaaaaaaaaaa",
      allocation: "a-aaaaaaaaaaaaaaaa",
      state: "running",
      kind: "m6i.large, spot",
      place: "eu-west-1a",
      since: "2025-12-31T21:00:00.000Z",
    };
    const provider = { ...server.provider, name: "cloud", survey: async () => [running] };
    server.clusters.providers = new Map([["cloud", provider]]);
    const { stdout } = await sprout("running", "--provider", "cloud");
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["MACHINE", "STATE", "KIND", "PLACE", "NODE", "CLUSTER", "SINCE"],
      [running.id, "running", "m6i.large, spot", "eu-west-1a", "-", "c-aaaaaaaaaaaaaaaa", "3h"],
      [""],
    ]);
    expect(JSON.parse((await sprout("running", "--provider", "cloud", "--json")).stdout)).toMatchObject([
      { id: running.id, member: null, ended: null },
    ]);
    expect(await sprout("running", "--provider", "none")).toMatchObject({ exitCode: 3, stdout: "" });
  });

  it("reports every error of a file with its line and column, and refuses other files", async () => {
    const bad = await sprout("import", await file("bad.csv", "macs,cpus\nzz,1\n,2\n"));
    expect([bad.exitCode, bad.stderr]).toEqual([
      2,
      [
        "Error: Invalid request: Cannot import machines",
        '  /2/macs: Expected a MAC address such as 52:54:00:12:34:56, got "zz"',
        "  /2/memory_mib: Expected a whole number from 1 to 1073741824, got nothing",
        "  /3/macs: Expected a list of 1 to 32 items, got nothing",
        "  /3/memory_mib: Expected a whole number from 1 to 1073741824, got nothing",
        "",
      ].join("\n"),
    ]);
    expect(await sprout("import", join(folder, "rack.xlsx"))).toMatchObject({
      exitCode: 2,
      stderr: `Error: Cannot import ${join(folder, "rack.xlsx")}: Expected a name that ends in .csv or .json\n`,
    });
    expect((await sprout("import", join(folder, "none.csv"))).stderr).toContain("no such file");
    expect(await server.clusters.store.machines({ limit: 1 })).toEqual([]);
  });

  it("sets labels, cards and power, and keeps the rest", async () => {
    const rack = { machines: [{ macs: [one, two], labels: { rack: "r1", zone: "a" }, state: "free" }] };
    await sprout("import", await file("rack.json", JSON.stringify(rack)));
    const show = async () => JSON.parse((await sprout("show", one, "--json")).stdout) as Machine;
    const { id } = await show();
    expect(await sprout("set", one, "--label", "zone=b", "--label", "gpu=", "--remove-label", "rack")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: `${id} (${one}): labels set\n`,
    });
    const password = await file("password", "s3cret-of-the-controller\n");
    await chmod(password, 0o600);
    const url = "https://bmc17/redfish/v1/Systems/1";
    const login = ["--power-username", "sprout", "--power-password-file", password];
    const set = await sprout("set", id, "--cluster-mac", two, "--power-url", url, ...login, "--json");
    expect(set.stdout + set.stderr).not.toContain("s3cret");
    expect(JSON.parse(set.stdout)).toMatchObject([{ id, clusterMac: two, power: { driver: "redfish", url } }]);
    const uuid = "2f6c1a90-7b3d-4e21-9a10-52540012aa01";
    for (const value of [uuid, null])
      expect(JSON.parse((await sprout("set", one, "--uuid", value ?? "none", "--json")).stdout)).toMatchObject([
        { id, uuid: value },
      ]);
    expect((await sprout("set", one, "--power-trust-on-first-use")).stderr).toBe(`${id} (${one}): power set\n`);
    expect(await show()).toMatchObject({
      labels: { zone: "b", gpu: "" },
      provisioningMac: one,
      clusterMac: two,
      power: { driver: "redfish", url },
    });
    const record = await server.clusters.store.machine(id);
    expect(openCredentials(server.clusters, record!)).toEqual({
      username: "sprout",
      password: "s3cret-of-the-controller",
    });
    await sprout("set", one, "--power", "manual");
    expect(await show()).toMatchObject({ power: { driver: "manual" }, clusterMac: two });
  });

  it("labels several machines at once, and reports what is wrong with a change", async () => {
    const [first, second] = [await see(), await see(two)];
    expect((await sprout("set", one, two, "--label", "rack=r1")).stderr).toBe(
      `${first} (${one}): labels set\n${second} (${two}): labels set\n`,
    );
    const open = await file("open", "s3cret\n");
    await chmod(open, 0o644);
    const url = ["--power-url", "https://bmc17"];
    const refusals: [string[], string][] = [
      [[one], "Cannot set machines: no setting is given; see sprout machines set --help"],
      [[one, two, "--cluster-mac", two], "Cannot set machines: only labels can be set on several machines"],
      [[one, two, "--uuid", "none"], "Cannot set machines: only labels can be set on several machines"],
      [[one, "--power", "redfish"], "Cannot set power: the machine has no controller yet; give --power-url"],
      [[one, "--power", "manual", ...url], "Cannot set power: --power manual has no controller"],
      [[one, ...url, "--power-username", "x"], "--power-username and --power-password-file require each other"],
      [
        [one, ...url, "--power-username", "x", "--power-password-file", open],
        "gives other users access; chmod it to 0600",
      ],
      [[one, ...url, "--power-ca-file", join(folder, "none.pem")], `Cannot read ${folder}/none.pem: ENOENT`],
      [[one, "--power-url", "https://sprout:s3cret@bmc17"], "/power/url: Expected a URL without user, password"],
      [[one, "--cluster-mac", two], `/clusterMac: Expected one of the machine's MAC addresses, got "${two}"`],
    ];
    for (const [args, reason] of refusals) {
      const { exitCode, stderr } = await sprout("set", ...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(reason) as string });
    }
  });

  it("explains a machine by MAC and address, and reports an unknown one", async () => {
    const id = await see();
    for (const who of [one, "10.99.0.50"]) {
      const { stdout, exitCode } = await sprout("explain", who);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`${id}: `);
      expect(stdout).toContain("would get: A script that shows its MAC and UUID");
    }
    expect(await sprout("explain", two)).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("is known") });
    expect((await sprout("explain", "4c4c4544-0051-3010-8053-b6c04f4a4732")).exitCode).toBe(3);
    expect((await sprout("explain", "zz")).exitCode).toBe(2);
  });

  it("reports that a machine is unknown, or in use", async () => {
    expect(await sprout("approve", two)).toMatchObject({
      exitCode: 3,
      stderr: `Error: No machine has the MAC ${two}; see "sprout machines list"\n`,
    });
    const id = await see();
    expect((await sprout("delete", one)).stderr).toBe(`${id} is deleted\n`);
    expect((await sprout("show", id)).exitCode).toBe(3);
  });
});
