import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Machine } from "#api/machine.ts";
import { createTestServer, problemOf, type TestServer } from "../fixtures/test-server.ts";
import { openCredentials } from "../../metadata-server/machines/power-settings.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const [one, two] = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];

const importCsv = (text: string) =>
  server.request("/v1/machines/import", { body: text, headers: { "content-type": "text/csv" } });
const csv = (...lines: string[]) => `${lines.join("\r\n")}\r\n`;
const hex = (value: number) => value.toString(16).padStart(2, "0");
const errorsOf = (answer: Parameters<typeof problemOf>[0]) =>
  problemOf(answer, "400 invalid-request").errors?.map(({ pointer, detail }) => `${pointer} ${detail}`);

describe("POST /v1/machines/import", () => {
  it("accepts CSV as spreadsheets write it", async () => {
    const text = csv(
      "\uFEFFMACs,UUID,serial,cpus,memory_mib,disks,label.rack,redfish_url,redfish_username,redfish_password,state",
      `${one} ${two},4C4C4544-0051-3010-8053-B6C04F4A4732,"S ""1"", left",8,16384,sda:447 sdb:894.3,r1,https://bmc1/,root,"p,w",free`,
      "52:54:00:aa:00:03,,,,,,,,,,",
    );
    const answer = await importCsv(text);
    expect(answer.status).toBe(201);
    const { ids } = answer.body as { ids: string[] };
    const [first, second] = await Promise.all(ids.map((id) => server.clusters.store.machine(id)));
    expect(first).toMatchObject({
      state: "free",
      macs: [one, two],
      uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732",
      serial: 'S "1", left',
      hardware: {
        cpus: 8,
        memoryMiB: 16384,
        disks: [
          { name: "sda", sizeGiB: 447 },
          { name: "sdb", sizeGiB: 894.3 },
        ],
        nics: [],
      },
      labels: { rack: "r1" },
    });
    expect(openCredentials(server.clusters, first!)).toEqual({ username: "root", password: "p,w" });
    expect(second).toMatchObject({
      state: "approved",
      macs: ["52:54:00:aa:00:03"],
      hardware: null,
      power: { driver: "manual" },
    });
  });

  it("reports every error of every row with line and column, and imports no row", async () => {
    const text = csv(
      "macs,uuid,cpus,memory_mib,colour,state",
      `${one},,,,,`,
      ",4c4c,,,,",
      '"52:54:00:aa:00:02",,many,16,"a\nb",assigned',
      `${two} zz,,8,,,`,
    );
    expect(errorsOf(await importCsv(text))).toEqual([
      expect.stringContaining("/1/colour Expected a column such as macs, uuid"),
      "/3/macs Expected a list of 1 to 32 items, got nothing",
      '/3/uuid Expected a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732, got "4c4c"',
      '/4/cpus Expected a whole number from 1 to 8192, got "many"',
      '/4/state Expected "approved" or "free", got "assigned"',
      '/6/macs Expected a MAC address such as 52:54:00:12:34:56, got "zz"',
      "/6/memory_mib Expected a whole number from 1 to 1073741824, got nothing",
    ]);
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("refuses a machine that the file has twice or the inventory already has", async () => {
    const known = (await server.request("/v1/machines", { body: { macs: [two] } })).body as Machine;
    const text = csv("macs", one, two, `52:54:00:aa:00:03 ${one}`);
    expect(errorsOf(await importCsv(text))).toEqual([
      `/3/macs Expected MAC addresses of this machine alone, got ${two}, which machine ${known.id} has`,
      `/4/macs Expected MAC addresses of this machine alone, got ${one}, which line 2 has`,
    ]);
    const machines = [{ macs: [one] }, { macs: [one] }];
    expect(errorsOf(await server.request("/v1/machines/import", { body: { machines } }))).toEqual([
      `/machines/1/macs Expected MAC addresses of this machine alone, got ${one}, which machine 1 has`,
    ]);
    expect(await server.clusters.store.machines({ limit: 10 })).toHaveLength(1);
  });

  it.each([
    ["nothing", "", ["Expected rows below the headings, got none"]],
    ["headings alone", "macs\n", ["Expected rows below the headings, got none"]],
    ["a heading twice", `macs,macs\n${one},\n`, ['Expected each column once, got "macs" twice']],
    ["rows of another length", `macs,uuid\n${one}\n`, ["Expected 2 cells, one for each heading, got 1"]],
    [
      "a quote that never ends",
      `macs\n"${one}\n`,
      ["Expected closed quotes around whole cells, got others in column 1"],
    ],
    ["a quote in the middle", `macs\n5"2\n`, ["Expected closed quotes around whole cells, got others in column 1"]],
  ])("refuses CSV with %s", async (_, text, details) => {
    const problem = problemOf(await importCsv(text), "400 invalid-request");
    expect(problem.errors?.map(({ detail }) => detail)).toEqual(details);
  });

  it("imports 10,000 machines as JSON in one commit", async () => {
    const machines = Array.from({ length: 10_000 }, (_, index) => ({
      macs: [`52:54:00:00:${hex(Math.floor(index / 256))}:${hex(index % 256)}`],
    }));
    const answer = await server.request("/v1/machines/import", { body: { machines } });
    expect([answer.status, (answer.body as { ids: string[] }).ids.length]).toEqual([201, 10_000]);
    expect(await server.clusters.store.countMachines("approved")).toBe(10_000);
  });
});
