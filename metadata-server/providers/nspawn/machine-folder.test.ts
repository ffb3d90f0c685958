import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readMachineRecord, recordFile } from "./machine-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-machine-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("readMachineRecord", () => {
  it("is undefined where there is no machine", async () => {
    expect(await readMachineRecord(folder)).toBeUndefined();
  });

  it("names the file and every field of a damaged record", async () => {
    await writeFile(recordFile(folder), '{"clusterId": 7}');
    await expect(readMachineRecord(folder)).rejects.toThrow(
      /Cannot read .*machine\.json: [\s\S]*clusterId[\s\S]*bridge/,
    );
  });

  it("refuses a record cut short", async () => {
    await writeFile(recordFile(folder), '{"clusterId": "c-');
    await expect(readMachineRecord(folder)).rejects.toThrow(/Cannot read .*machine\.json/);
  });
});
