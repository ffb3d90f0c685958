import { isDeepStrictEqual } from "node:util";
import { AllocationRecord } from "../../bootstrapper/journal/allocation.ts";
import { compactEntries, type JournalEntry, lastSequence, parseJournal } from "../../bootstrapper/journal/entry.ts";
import { parseJson } from "../../bootstrapper/parse.ts";
import { decideResume, remainingTime } from "../../bootstrapper/run/resume.ts";
import { firstMetadata, pem } from "../fixtures/node-documents.ts";
import { type FuzzedParser, kibibyte, otherThreadMs } from "./fuzzed-parser.ts";

const { allocation } = firstMetadata;
const now = { bootId: "boot-1", time: "2026-01-01T00:00:00.000Z", monotonicMs: 5 };
const entries: readonly JournalEntry[] = [
  { allocation, sequence: 1, phase: "claim", state: "started", ...now },
  { allocation, sequence: 2, phase: "claim", state: "done", durationMs: 12, ...now },
  { allocation, sequence: 3, phase: "verify", state: "failed", error: "no", logTail: "it failed", exitCode: 4, ...now },
  { allocation, sentUpTo: 2, ...now },
];
const toText = (lines: readonly JournalEntry[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

const record: AllocationRecord = {
  origin: { kind: "server", url: "https://192.0.2.10:8443", ca: pem("CERTIFICATE", "ca"), capabilitySha256: "ab" },
  startedAt: now.time,
  received: now,
  before: { "/etc/hosts": "127.0.0.1 localhost\n", "/etc/resolv.conf": null },
  metadata: firstMetadata,
};

/** What a run finds on its disk, which a crash or an operator may have changed. */
export const journals: readonly FuzzedParser[] = [
  {
    name: "journals",
    samples: [toText(entries), toText(entries.toReversed())],
    maxLength: 1024 * kibibyte,
    parse: resumeFrom,
    limitMs: otherThreadMs,
  },
  {
    name: "records of an allocation",
    samples: [JSON.stringify(record)],
    maxLength: 256 * kibibyte,
    parse(text) {
      const parsed = parseJson(AllocationRecord, text, "it");
      const { remainingMs } = remainingTime({ record: parsed }, now);
      if (!(remainingMs >= 0 && remainingMs <= parsed.metadata.deadlineSeconds * 1000))
        throw new RangeError(`${remainingMs} ms are left`);
      return parsed;
    },
    limitMs: otherThreadMs,
  },
];

const decide = (some: readonly JournalEntry[]) => ({
  resume: decideResume({ record, entries: [...some], reportToken: undefined }),
  sequence: lastSequence(some),
});

/** Throws RangeError if the compacted journal would lead to other decisions than the whole one. */
function resumeFrom(text: string) {
  const journal = parseJournal(text, "journal");
  const compact = compactEntries(journal.entries);
  if (!isDeepStrictEqual(decide(compact), decide(journal.entries)))
    throw new RangeError("the compacted journal differs");
  if (!isDeepStrictEqual(parseJournal(toText(compact), "journal").entries, compact))
    throw new RangeError("the compacted journal is unreadable");
  return journal;
}
