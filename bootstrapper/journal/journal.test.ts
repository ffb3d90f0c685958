import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { type JournalEntry, lastSequence, parseJournal, unsentReports } from "./entry.ts";
import { openJournal } from "./journal.ts";

const allocation = "a-aaaaaaaaaaaaaaaa";
const bootTime = { bootId: "boot-1", time: "2026-01-01T00:00:00.000Z", monotonicMs: 5 };
const entry = (sequence: number): JournalEntry => ({
  allocation,
  sequence,
  phase: "claim",
  state: "started",
  ...bootTime,
});
const sent = (sentUpTo: number): JournalEntry => ({ allocation, sentUpTo, ...bootTime });
const toText = (...entries: JournalEntry[]) => entries.map((each) => `${JSON.stringify(each)}\n`).join("");

describe("parseJournal", () => {
  it("reads whole lines and ignores a line that a crash truncated", () => {
    const text = toText(entry(1), sent(1));
    expect(parseJournal(`${text}{"alloc`, "journal")).toEqual({
      entries: [entry(1), sent(1)],
      bytes: Buffer.byteLength(text),
    });
    expect(parseJournal("", "journal")).toEqual({ entries: [], bytes: 0 });
  });

  it.each([
    ["half a line in the middle", `{"alloc\n${toText(entry(1))}`, "line 1 is unreadable: it is not JSON"],
    [
      "an unknown phase",
      toText(entry(1)).replace("claim", "dance"),
      'line 1 is unreadable: /phase: Expected "discover"',
    ],
    ["an unknown field", `${toText(entry(1))}{"sentUpTo":1,"extra":2}\n`, "line 2 is unreadable: /allocation"],
    ["null", "null\n", "line 1 is unreadable: Expected an object"],
  ])("refuses %s, and names the line and the fix", (_, text, message) => {
    expect(() => parseJournal(text, "journal")).toThrow(message);
    expect(() => parseJournal(text, "journal")).toThrow("run sprout-bootstrap reset");
  });
});

describe("unsentReports", () => {
  it("returns the reports after the last acknowledgement, as they are sent", () => {
    const entries = [entry(1), entry(2), sent(1), entry(3), sent(2)];
    expect(unsentReports(entries)).toEqual([{ allocation, sequence: 3, phase: "claim", state: "started" }]);
    expect(lastSequence(entries)).toBe(3);
    expect(lastSequence([])).toBe(0);
  });
});

describe("openJournal", () => {
  it("writes in order after the last whole line, readable only by root", async () => {
    const root = await temporaryFolder("journal");
    const file = join(root, "var/lib/sprout/node/journal.jsonl");
    const first = await openJournal(root);
    for (const sequence of [1, 2, 3]) first.append(entry(sequence));
    await first.durable();
    expect(parseJournal(await readFile(file, "utf8"), file).entries).toEqual([entry(1), entry(2), entry(3)]);
    first.append(sent(3), { lazy: true });
    await first.close();
    const bytes = Buffer.byteLength(toText(entry(1), entry(2)));
    const second = await openJournal(root, { entries: [entry(1), entry(2)], bytes });
    second.append(entry(9));
    await second.close();
    expect(parseJournal(await readFile(file, "utf8"), file).entries).toEqual([entry(1), entry(2), entry(9)]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, "var/lib/sprout/node"))).mode & 0o777).toBe(0o700);
  });

  it("compacts a long journal to what decides anything and what the server lacks", async () => {
    const root = await temporaryFolder("journal");
    const file = join(root, "var/lib/sprout/node/journal.jsonl");
    const many = Array.from({ length: 3000 }, (_, index) => entry(index + 1));
    const entries = [...many, sent(2998)];
    const text = toText(...entries);
    await (await openJournal(root)).close();
    await writeFile(file, text);
    const journal = await openJournal(root, parseJournal(text, file));
    journal.append(entry(3001));
    await journal.close();
    expect(parseJournal(await readFile(file, "utf8"), file).entries).toEqual([
      entry(2999),
      entry(3000),
      sent(2998),
      entry(3001),
    ]);
  });
});
