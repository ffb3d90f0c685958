import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readNspawnRecord, recordFile } from "./machine-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-machine-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("readNspawnRecord", () => {
  it("returns undefined if there is no machine", async () => {
    expect(await readNspawnRecord(folder)).toBeUndefined();
  });

  it("names the file and every field of a damaged record", async () => {
    await writeFile(recordFile(folder), '{"clusterId": 7}');
    await expect(readNspawnRecord(folder)).rejects.toThrow(
      /Cannot read .*machine\.json: [\s\S]*clusterId[\s\S]*bridge/,
    );
  });

  it("refuses a truncated record", async () => {
    await writeFile(recordFile(folder), '{"clusterId": "c-');
    await expect(readNspawnRecord(folder)).rejects.toThrow(/Cannot read .*machine\.json/);
  });
});
