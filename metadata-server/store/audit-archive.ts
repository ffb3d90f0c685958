import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { AuditEntry } from "#api/audit.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "../logger.ts";

/** Writes audit entries out, before the store drops them. Must not throw. */
export type WriteOut = (entries: readonly AuditEntry[]) => void;

export const writeOutToLog =
  (logger: Logger): WriteOut =>
  (entries) => {
    for (const entry of entries) logger.error("Audit entry dropped", { ...entry });
  };

/**
 * Appends entries to a file, mode 0600, one JSON line each, and flushes it. The file is opened each time, so that it can
 * be rotated. If it cannot be written, the entries go to the log.
 */
export function writeOutToFile({ file, logger }: { file: string; logger: Logger }): WriteOut {
  const toLog = writeOutToLog(logger);
  return (entries) => {
    try {
      appendDurably(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    } catch (error) {
      logger.error("Cannot write dropped audit entries to their file", { file, error: messageOf(error) });
      toLog(entries);
    }
  };
}

function appendDurably(file: string, text: string): void {
  const descriptor = openSync(file, "a", 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export interface AuditArchive {
  /** Sequence up to which entries are written out. After a restart some are written again. */
  readonly through: number;
  /** How many of the oldest entries to write out at once, so that few commits wait for it. */
  readonly batch: number;
  /** Takes the oldest entries, in order. */
  write(entries: readonly AuditEntry[]): void;
}

export function createAuditArchive({ writeOut, maxEntries }: { writeOut: WriteOut; maxEntries: number }): AuditArchive {
  let through = 0;
  return {
    get through() {
      return through;
    },
    batch: Math.max(1, Math.floor(maxEntries / 100)),
    write(entries) {
      const news = entries.filter(({ sequence }) => sequence > through);
      if (news.length > 0) writeOut(news);
      through = news.at(-1)?.sequence ?? through;
    },
  };
}
