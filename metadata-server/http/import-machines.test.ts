import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Machine } from "#api/machine.ts";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { openCredentials } from "../machines/power-settings.ts";

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

describe("Import", () => {
  it("takes CSV as spreadsheets write it", async () => {
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

  it("tells every error of every row with its line and column, and takes none of the rows", async () => {
    const text = csv(
      "macs,uuid,cpus,memory_mib,colour,state",
      `${one},,,,,`,
      ",4c4c,,,,",
      '"52:54:00:aa:00:02",,many,16,"a\nb",assigned',
      `${two} zz,,8,,,`,
    );
    expect(errorsOf(await importCsv(text))).toEqual([
      expect.stringContaining("/1/colour line 1: column colour is unknown; there are macs, uuid"),
      "/3/macs line 3, column macs: is required",
      "/3/uuid line 3, column uuid: must be a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732",
      "/4/cpus line 4, column cpus: Invalid input: expected number, received string",
      '/4/state line 4, column state: Invalid option: expected one of "approved"|"free"',
      "/6/macs line 6, column macs: must be a MAC address such as 52:54:00:12:34:56",
      "/6/memory_mib line 6, column memory_mib: is required",
    ]);
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("takes no machine that the file has twice or the inventory has already", async () => {
    const known = (await server.request("/v1/machines", { body: { macs: [two] } })).body as Machine;
    const text = csv("macs", one, two, `52:54:00:aa:00:03 ${one}`);
    expect(errorsOf(await importCsv(text))).toEqual([
      `/3/macs MAC ${two} belongs to machine ${known.id}`,
      `/4/macs MAC ${one} is also that of line 2`,
    ]);
    const machines = [{ macs: [one] }, { macs: [one] }];
    expect(errorsOf(await server.request("/v1/machines/import", { body: { machines } }))).toEqual([
      `/machines/1/macs MAC ${one} is also that of machine 1`,
    ]);
    expect(await server.clusters.store.machines({ limit: 10 })).toHaveLength(1);
  });

  it.each([
    ["nothing", "", ["has no row below its headings"]],
    ["headings alone", "macs\n", ["has no row below its headings"]],
    ["a heading twice", `macs,macs\n${one},\n`, ["line 1: column macs is there twice"]],
    ["rows of another length", `macs,uuid\n${one}\n`, ["line 2: has 1 cells, the headings are 2"]],
    ["a quote that never ends", `macs\n"${one}\n`, ["line 2: a quote is in the wrong place or never ends"]],
    ["a quote in the middle", `macs\n5"2\n`, ["line 2: a quote is in the wrong place or never ends"]],
  ])("refuses CSV with %s", async (_, text, details) => {
    const problem = problemOf(await importCsv(text), "400 invalid-request");
    expect(problem.errors?.map(({ detail }) => detail)).toEqual(details);
  });

  it("takes 10,000 machines as JSON in one commit", async () => {
    const machines = Array.from({ length: 10_000 }, (_, index) => ({
      macs: [`52:54:00:00:${hex(Math.floor(index / 256))}:${hex(index % 256)}`],
    }));
    const answer = await server.request("/v1/machines/import", { body: { machines } });
    expect([answer.status, (answer.body as { ids: string[] }).ids.length]).toEqual([201, 10_000]);
    expect(await server.clusters.store.countMachines("approved")).toBe(10_000);
  });
});
