import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadDemoRecord } from "./record.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-demo-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("a folder without a record has no demo", async () => {
  expect(await loadDemoRecord(folder)).toBeUndefined();
});

it("another process with the same pid does not count as a running demo", async () => {
  const record = { pid: process.pid, url: "https://127.0.0.1:1", caFile: "/ca", tokenFile: "/token", store: "sqlite" };
  await writeFile(join(folder, "demo.json"), JSON.stringify(record));
  expect(await loadDemoRecord(folder)).toEqual({ record, running: false });
});

it("a record with an unknown field is refused", async () => {
  await writeFile(join(folder, "demo.json"), '{"pid":1,"url":"","caFile":"","tokenFile":"","colour":"green"}');
  await expect(loadDemoRecord(folder)).rejects.toThrow("colour");
});
