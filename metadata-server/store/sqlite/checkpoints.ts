import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../../logger.ts";
import { explainSqliteError } from "./database.ts";

/** Time from a commit that destroys a secret to the checkpoint, which so happens at most once in it. */
const delayMs = 1000;

export interface Checkpoints {
  /** Empties the log now; if that fails, again later. */
  run(): void;
  /** Empties the log within a second, after the commits of that time. */
  request(): void;
  /** Empties the log if that is due. */
  close(): void;
}

/**
 * Empties SQLite's write-ahead log, in which an overwritten secret stays readable until then
 * (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
 */
export function createCheckpoints(options: { database: DatabaseSync; file: string; logger: Logger }): Checkpoints {
  const { database, file, logger } = options;
  let timer: NodeJS.Timeout | undefined;

  function run(): void {
    clearTimeout(timer);
    timer = undefined;
    if (database.isTransaction) return request();
    try {
      const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {};
      if (busy !== 0) throw new Error("a statement is reading it");
    } catch (error) {
      logger.error("Cannot empty the store's log; retrying", { store: file, error: explainSqliteError(error) });
      request();
    }
  }

  function request(): void {
    timer ??= setTimeout(run, delayMs).unref();
  }

  return {
    run,
    request,
    close() {
      if (timer !== undefined) run();
      clearTimeout(timer);
    },
  };
}
