import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "#api/audit.ts";
import { createAuditArchive, writeOutToFile } from "./audit-archive.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-archive-"));
  file = join(folder, "audit-dropped.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const entry = (sequence: number): AuditEntry => ({
  sequence,
  at: "2026-01-02T03:04:05.678Z",
  action: "claim",
  outcome: "allowed",
  actor: "node node01",
  from: "10.77.0.12",
  clusterId: "c-1",
  member: "node01",
  detail: "line\nbreak ☸",
});
const lines = async () => (await readFile(file, "utf8")).trimEnd().split("\n");

describe("writeOutToFile", () => {
  it("appends each entry as a JSON line, in a file that only its owner may read", async () => {
    const writeOut = writeOutToFile({ file, logger: silent });
    writeOut([entry(1), entry(2)]);
    writeOut([entry(3)]);
    expect((await lines()).map((line) => JSON.parse(line) as unknown)).toEqual([entry(1), entry(2), entry(3)]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("begins a new file after the old one was moved away", async () => {
    const writeOut = writeOutToFile({ file, logger: silent });
    writeOut([entry(1)]);
    await rm(file);
    writeOut([entry(2)]);
    expect(await lines()).toEqual([JSON.stringify(entry(2))]);
  });

  it("logs the entries if the file cannot be written", () => {
    const logged: unknown[] = [];
    const logger = { ...silent, error: (message: string, fields?: object) => void logged.push([message, fields]) };
    writeOutToFile({ file: folder, logger })([entry(1)]);
    expect(logged).toEqual([
      ["Cannot write dropped audit entries to their file", { file: folder, error: expect.stringContaining("EISDIR") }],
      ["Audit entry dropped", entry(1)],
    ]);
  });
});

describe("createAuditArchive", () => {
  it("writes no entry twice, and a hundredth of the log at once", () => {
    const written: number[] = [];
    const writeOut = (entries: readonly AuditEntry[]) => void written.push(...entries.map(({ sequence }) => sequence));
    const archive = createAuditArchive({ writeOut, maxEntries: 1000 });
    expect([archive.batch, archive.through]).toEqual([10, 0]);
    archive.write([entry(1), entry(2)]);
    archive.write([entry(1), entry(2), entry(3)]);
    archive.write([entry(2)]);
    expect(written).toEqual([1, 2, 3]);
    expect(archive.through).toBe(3);
  });
});
