import { accessSync, chmodSync, closeSync, constants, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { applicationId, migrate, readSchemaVersion, schemaVersion } from "./schema.ts";

/** Returns the prepared statement of an SQL text. */
export type Prepare = (sql: string) => StatementSync;

/** Runs a statement; returns how many rows it changed. */
export const run = (prepare: Prepare, sql: string, ...values: SQLInputValue[]): number =>
  Number(prepare(sql).run(...values).changes);

/** Explains the result codes of https://www.sqlite.org/rescode.html that an operator can act on. */
const explanations: Record<number, string> = {
  5: "another process has it open; stop that one or use another data directory",
  8: "it is read-only; make the file and its directory writable",
  10: "the disk answered with an error; check the disk and its log",
  11: "it is damaged; restore a backup or move it away to start empty",
  13: "the disk is full; free some space",
  14: "it cannot be opened; check that its directory exists and is writable",
  26: "it is not a SQLite database; use another path",
};

export const isSqliteError = (error: unknown): error is Error & { errcode: unknown } =>
  error instanceof Error && "errcode" in error;

/** Returns why SQLite failed, in words that an operator can act on. */
export function explainSqliteError(error: unknown): string {
  if (!isSqliteError(error)) return String(error);
  return explanations[Number(error.errcode) & 0xff] ?? error.message;
}

/** Codes of a disk that cannot be written to now. */
const diskProblems = new Set([8, 10, 13, 14]);

/** Whether an operator can solve it while the server runs. */
export const isDiskProblem = (error: unknown): boolean =>
  isSqliteError(error) && diskProblems.has(Number(error.errcode) & 0xff);

const systemExplanations: Record<string, string> = {
  ENOENT: "its directory does not exist; create it",
  ENOTDIR: "its directory is not a directory; use another path",
  EISDIR: "it is a directory; use the path of a file",
  EACCES: "permission denied; make the file and its directory writable",
  EPERM: "permission denied; make the file and its directory writable",
  EROFS: "its file system is read-only; use another path",
};

/** Makes sure that no other user can read the file; SQLite gives its log the same mode. */
function preparePrivateFile(file: string): void {
  closeSync(openSync(file, "a", 0o600));
  accessSync(dirname(file), constants.W_OK);
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
}

function checkOrigin(database: DatabaseSync, file: string): void {
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
  const id = database.prepare("PRAGMA application_id").get()?.["application_id"];
  if (tables !== 0 && id !== applicationId)
    throw new Error(`Cannot open store ${file}: it is another program's database; use another path`);
  const version = readSchemaVersion(database);
  if (version > schemaVersion)
    throw new Error(
      `Cannot open store ${file}: its schema version ${version} is newer than this release's ${schemaVersion}; use the newer release`,
    );
}

function checkIntegrity(database: DatabaseSync, file: string): void {
  const finding = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (finding !== "ok") throw new Error(`Cannot open store ${file}: ${explanations[11]}`, { cause: finding });
}

/**
 * Opens or creates the store's file, mode 0600, for this process alone. An acknowledged commit is on disk
 * (https://www.sqlite.org/pragma.html#pragma_synchronous). A deleted secret is overwritten in the file's pages; its copies
 * in the log last until a checkpoint (checkpoints.ts), and temporary copies never reach a file.
 */
export function openDatabase(options: { file: string; now: number }): DatabaseSync {
  const { file } = options;
  try {
    preparePrivateFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Error(`Cannot open store ${file}: ${systemExplanations[code] ?? code}`, { cause: error });
  }
  const database = new DatabaseSync(file);
  try {
    // Listeners live in one process: a second server on this file would miss every change, so it is kept out.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    checkOrigin(database, file);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    database.exec("PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864");
    checkIntegrity(database, file);
    migrate(database, { from: readSchemaVersion(database), now: options.now });
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && error.message.startsWith("Cannot open store")) throw error;
    throw new Error(`Cannot open store ${file}: ${explainSqliteError(error)}`, { cause: error });
  }
}
