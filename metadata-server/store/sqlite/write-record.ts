import type { SQLInputValue } from "node:sqlite";
import { stale } from "../refusals.ts";
import { type Prepare, run } from "./database.ts";

interface Row {
  table: "clusters" | "members" | "machines" | "documents";
  key: Record<string, SQLInputValue>;
  /** Columns that are searched or sorted. */
  columns?: Record<string, SQLInputValue>;
  record: { version: number };
  /** The record's name in messages. */
  title: string;
}

/** Adds a record of version 0, or replaces the stored record of the same version; else throws StoreConflict `stale`. */
export function writeRecord(prepare: Prepare, { table, key, columns = {}, record, title }: Row): void {
  const next = { ...record, version: record.version + 1 };
  const content = { ...columns, version: next.version, record: JSON.stringify(next) };
  const values = [...Object.values(content), ...Object.values(key)];
  const written =
    record.version === 0
      ? run(prepare, toInsert(table, Object.keys(content), Object.keys(key)), ...values)
      : run(prepare, toUpdate(table, Object.keys(content), Object.keys(key)), ...values, record.version);
  if (written === 0) throw stale(title, record.version);
}

function toInsert(table: string, columns: readonly string[], key: readonly string[]): string {
  const names = [...columns, ...key];
  const marks = names.map(() => "?").join(", ");
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks}) ON CONFLICT (${key.join(", ")}) DO NOTHING`;
}

/** Sets no key: even with an unchanged key, SQLite would check every row that refers to it. */
function toUpdate(table: string, columns: readonly string[], key: readonly string[]): string {
  const changes = columns.map((name) => `${name} = ?`).join(", ");
  return `UPDATE ${table} SET ${changes} WHERE ${[...key, "version"].map((name) => `${name} = ?`).join(" AND ")}`;
}
