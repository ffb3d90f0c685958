import type { DatabaseSync } from "node:sqlite";
import { createTurns, type Turn } from "#lib/turns.ts";
import { type Changes, StoreUnavailable } from "../store.ts";
import { explainSqliteError, isDiskProblem, isSqliteError } from "./database.ts";

/** One transaction takes at most this many commits, so that a write never delays requests for long. */
const maxGroup = 32;

interface Waiting {
  changes: Promise<Changes>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

type Outcome = { changes: Changes } | { failure: unknown };

/**
 * Queues commits. Those that arrive while others are being written share one transaction and so one flush to the disk.
 * Each has its own savepoint: all of it is written or nothing. Calls `onCommitted` once a commit is on disk. A large
 * commit gives others their turn at the event loop; a read of the database then would see half of it.
 */
export function createCommitQueue(options: {
  database: DatabaseSync;
  file: string;
  /** Writes one commit, with turns for others. */
  apply: (changes: Changes, turn: Turn) => Promise<void>;
  onCommitted: (changes: Changes) => void;
}) {
  const { database, file, apply, onCommitted } = options;
  const toWriteError = (cause: unknown) => {
    const text = `Cannot write to store ${file}: ${explainSqliteError(cause)}`;
    return isDiskProblem(cause) ? new StoreUnavailable(text, { wasRefused: true, cause }) : new Error(text, { cause });
  };
  const waiting: Waiting[] = [];
  let scheduled = false;
  let writing: Promise<void> | undefined;

  async function applyOne(changes: Changes, turn: Turn): Promise<Outcome> {
    database.exec("SAVEPOINT one");
    try {
      await apply(changes, turn);
    } catch (failure) {
      // A full or broken disk ends the whole transaction; then no savepoint is left.
      if (!database.isTransaction) throw failure;
      database.exec("ROLLBACK TO one; RELEASE one");
      return { failure: isSqliteError(failure) ? toWriteError(failure) : failure };
    }
    database.exec("RELEASE one");
    return { changes };
  }

  async function writeGroup(): Promise<void> {
    const group = waiting.splice(0, maxGroup);
    const ready = await Promise.allSettled(group.map(({ changes }) => changes));
    const turn = createTurns();
    const outcomes: Outcome[] = [];
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const one of ready)
        outcomes.push(one.status === "fulfilled" ? await applyOne(one.value, turn) : { failure: one.reason });
      await turn();
      database.exec("COMMIT");
    } catch (cause) {
      for (const { reject } of group) reject(toWriteError(cause));
      if (database.isTransaction) database.exec("ROLLBACK");
      return;
    }
    await turn();
    for (const [index, outcome] of outcomes.entries()) {
      if ("failure" in outcome) {
        group[index]?.reject(outcome.failure);
        continue;
      }
      group[index]?.resolve();
      onCommitted(outcome.changes);
    }
  }

  function writeNextGroup(): Promise<void> {
    writing = writeGroup().finally(() => {
      writing = undefined;
      schedule();
    });
    return writing;
  }

  function schedule(): void {
    if (scheduled || writing !== undefined || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (writing === undefined && waiting.length > 0) void writeNextGroup();
    });
  }

  return {
    /** Takes the changes as soon as they are complete. */
    commit(changes: Promise<Changes>): Promise<void> {
      // It is only awaited once it is this commit's turn.
      changes.catch(() => {});
      return new Promise((resolve, reject) => {
        waiting.push({ changes, resolve, reject });
        schedule();
      });
    },
    /** Waits until no commit is half written. To be followed by a read in the same turn. */
    settled: async (): Promise<void> => writing,
    /** Writes all waiting commits. */
    async drain(): Promise<void> {
      while (writing !== undefined || waiting.length > 0) await (writing ?? writeNextGroup());
    },
  };
}
