import { z } from "zod";
import { AllocationId } from "#api/name.ts";
import { Report } from "#api/report.ts";
import { BootstrapError } from "../errors.ts";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { toReset } from "./node-folder.ts";
import { bootTimeFields } from "./boot-time.ts";

/** The start or end of a step. It is also the report, as it is sent. */
export const PhaseEntry = Report.extend(bootTimeFields);
export type PhaseEntry = z.infer<typeof PhaseEntry>;

/** The server has every report up to this sequence. */
const SentEntry = z.strictObject({ allocation: AllocationId, sentUpTo: z.int().positive(), ...bootTimeFields });
type SentEntry = z.infer<typeof SentEntry>;

export type JournalEntry = PhaseEntry | SentEntry;

export const isPhaseEntry = (entry: JournalEntry): entry is PhaseEntry => "phase" in entry;

export interface ParsedJournal {
  entries: JournalEntry[];
  /** Length of the whole lines. A crash truncated what follows. */
  bytes: number;
}

/** Parses the whole lines of a journal. Throws BootstrapError `preflight` with file, line and every problem. */
export function parseJournal(text: string, file: string): ParsedJournal {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").slice(0, -1);
  const entries = lines.map((line, index) => parseEntry(line, `${file} line ${index + 1}`));
  return { entries, bytes: Buffer.byteLength(whole) };
}

function parseEntry(line: string, where: string): JournalEntry {
  const json = parseLine(line, where);
  const schema = typeof json === "object" && json !== null && "sentUpTo" in json ? SentEntry : PhaseEntry;
  const { data, errors } = parseFields(schema, json);
  if (errors) throw unreadable(where, formatFieldErrors(errors));
  return data;
}

function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw unreadable(where, "it is not JSON", cause);
  }
}

const unreadable = (where: string, why: string, cause?: unknown) =>
  new BootstrapError("preflight", `Cannot resume: ${where} is unreadable: ${why}; ${toReset}`, { cause });

/** Returns the reports that the server has not acknowledged, in order. */
export function unsentReports(entries: readonly JournalEntry[]): Report[] {
  const sentUpTo = Math.max(0, ...entries.map((entry) => (isPhaseEntry(entry) ? 0 : entry.sentUpTo)));
  return entries
    .filter(isPhaseEntry)
    .filter(({ sequence }) => sequence > sentUpTo)
    .map((entry) => Report.strip().parse(entry));
}

/** Keeps what later decisions need: the last entry of each kind, and every report that the server lacks. */
export function compactEntries(entries: readonly JournalEntry[]): JournalEntry[] {
  const kindOf = (entry: JournalEntry) => (isPhaseEntry(entry) ? `${entry.phase} ${entry.state}` : "sent");
  const last = new Map(entries.map((entry) => [kindOf(entry), entry]));
  const unsent = new Set(unsentReports(entries).map(({ sequence }) => sequence));
  return entries.filter(
    (entry) => last.get(kindOf(entry)) === entry || (isPhaseEntry(entry) && unsent.has(entry.sequence)),
  );
}

export const lastSequence = (entries: readonly JournalEntry[]) =>
  Math.max(0, ...entries.map((entry) => (isPhaseEntry(entry) ? entry.sequence : entry.sentUpTo)));
