import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { syncPath } from "#lib/replace-file.ts";
import { below, removeTemporaries, syncFiles, writeFileAtomic } from "../machine/files.ts";
import { compactEntries, type JournalEntry, type ParsedJournal } from "./entry.ts";
import { journalFile, nodeFiles } from "./node-folder.ts";

export interface Journal {
  /**
   * Writes in order without waiting. `durable` waits for the disk. `lazy`: written with the next entry that is not
   * lazy.
   */
  append(entry: JournalEntry, options?: { lazy?: boolean }): void;
  /** Waits until everything appended so far is on disk. Throws if it cannot be written. */
  durable(): Promise<void>;
  close(): Promise<void>;
}

const nothing: ParsedJournal = { entries: [], bytes: 0 };
/** A node that reboots for years writes a dozen lines each time. */
const maxBytes = 256 * 1024;

/**
 * Opens the journal after its last whole line, with one writer. What is appended during a flush goes with the next one,
 * so that a step never waits for a disk.
 */
export async function openJournal(root: string, earlier: ParsedJournal = nothing): Promise<Journal> {
  const path = below(root, journalFile);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await removeTemporaries(nodeFiles.map((name) => below(root, name)));
  const bytes = earlier.bytes > maxBytes ? await compact(path, earlier.entries) : earlier.bytes;
  const file = await open(path, "a", 0o600);
  await file.truncate(bytes);
  let queued: string[] = [];
  let isUrgent = false;
  const folder = dirname(path);
  let written: Promise<void> = bytes > 0 ? Promise.resolve() : syncPath(folder).then(() => syncPath(dirname(folder)));
  written.catch(() => undefined);

  async function writeQueued() {
    const [lines, flush] = [queued.join(""), isUrgent];
    queued = [];
    isUrgent = false;
    if (lines !== "") await file.appendFile(lines);
    if (flush) await file.datasync();
  }

  return {
    append(entry, { lazy = false } = {}) {
      queued.push(`${JSON.stringify(entry)}\n`);
      isUrgent ||= !lazy;
      written = written.then(writeQueued);
      // A step that needs the entry on disk awaits `durable`; a full disk must not end any other step.
      written.catch(() => undefined);
    },
    durable: () => written,
    async close() {
      await written.catch(() => undefined);
      await file.close();
    },
  };
}

async function compact(path: string, entries: readonly JournalEntry[]): Promise<number> {
  const text = compactEntries(entries)
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join("");
  await writeFileAtomic(path, text, 0o600);
  await syncFiles([path]);
  return Buffer.byteLength(text);
}
