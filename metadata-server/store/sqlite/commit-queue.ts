import type { DatabaseSync } from "node:sqlite";
import type { Changes } from "../store.ts";
import { explainSqliteError, isSqliteError } from "./database.ts";

/** One transaction takes at most this many commits, so that a write never delays requests for long. */
const maxGroup = 32;

interface Waiting {
  changes: Changes;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Queues commits. Those that arrive while others are being written share one transaction and so one flush to the disk.
 * Each has its own savepoint: all of it is written or nothing. Calls `onCommitted` once a commit is on disk.
 */
export function createCommitQueue(options: {
  database: DatabaseSync;
  file: string;
  apply: (changes: Changes) => void;
  onCommitted: (changes: Changes) => void;
}) {
  const { database, file, apply, onCommitted } = options;
  const toWriteError = (cause: unknown) =>
    new Error(`Cannot write to store ${file}: ${explainSqliteError(cause)}`, { cause });
  const waiting: Waiting[] = [];
  let scheduled = false;

  function applyOne(changes: Changes): { failure?: unknown } {
    database.exec("SAVEPOINT one");
    try {
      apply(changes);
    } catch (failure) {
      // A full or broken disk ends the whole transaction; then no savepoint is left.
      if (!database.isTransaction) throw failure;
      database.exec("ROLLBACK TO one; RELEASE one");
      return { failure: isSqliteError(failure) ? toWriteError(failure) : failure };
    }
    database.exec("RELEASE one");
    return {};
  }

  function writeGroup(): void {
    const group = waiting.splice(0, maxGroup);
    if (group.length === 0) return;
    let outcomes: { failure?: unknown }[];
    try {
      database.exec("BEGIN IMMEDIATE");
      outcomes = group.map(({ changes }) => applyOne(changes));
      database.exec("COMMIT");
    } catch (cause) {
      for (const { reject } of group) reject(toWriteError(cause));
      if (database.isTransaction) database.exec("ROLLBACK");
      return;
    }
    for (const [index, { changes, resolve, reject }] of group.entries()) {
      const outcome = outcomes[index] ?? {};
      if ("failure" in outcome) {
        reject(outcome.failure);
        continue;
      }
      resolve();
      onCommitted(changes);
    }
  }

  function writeNextGroup(): void {
    scheduled = false;
    writeGroup();
    schedule();
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    setImmediate(writeNextGroup);
  }

  return {
    commit(changes: Changes): Promise<void> {
      return new Promise((resolve, reject) => {
        waiting.push({ changes, resolve, reject });
        schedule();
      });
    },
    /** Writes all waiting commits at once. */
    drain(): void {
      while (waiting.length > 0) writeGroup();
    },
  };
}
