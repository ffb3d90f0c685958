import { indexTerms } from "../machine-index.ts";
import type { ApprovalRulesRecord, MachineRecord } from "../machine-record.ts";
import { machineTitle, macTaken, rulesTitle, stale } from "../refusals.ts";
import { type Prepare, run } from "./database.ts";
import { writeRecord } from "./write-record.ts";

export const approvalRulesDocument = "approval-rules";

export function writeApprovalRules(prepare: Prepare, record: ApprovalRulesRecord): void {
  writeRecord(prepare, { table: "documents", key: { name: approvalRulesDocument }, record, title: rulesTitle });
}

export function removeMachine(prepare: Prepare, { id, version }: Pick<MachineRecord, "id" | "version">): void {
  for (const table of ["machine_macs", "machine_terms"]) run(prepare, `DELETE FROM ${table} WHERE machine_id = ?`, id);
  if (run(prepare, "DELETE FROM machines WHERE id = ? AND version = ?", id, version) === 0)
    throw stale(machineTitle({ id }), version);
}

export function writeMachine(prepare: Prepare, record: MachineRecord): void {
  const { id, state, createdAt, lastSeenAt } = record;
  const columns = { state, created_at: createdAt, last_seen_at: lastSeenAt };
  writeRecord(prepare, { table: "machines", key: { id }, columns, record, title: machineTitle(record) });
  const [taken] = writeIndex(prepare, { table: "machine_macs", id, wanted: new Set(record.macs) });
  if (taken !== undefined) throw macTaken(record, taken);
  writeIndex(prepare, { table: "machine_terms", id, wanted: new Set(indexTerms(record)) });
}

interface MachineIndex {
  table: "machine_macs" | "machine_terms";
  /** Id of the machine. */
  id: string;
  wanted: ReadonlySet<string>;
}

/** Adds and deletes rows until the machine has the wanted values only. Returns those that another machine has. */
function writeIndex(prepare: Prepare, { table, id, wanted }: MachineIndex): string[] {
  const column = table === "machine_macs" ? "mac" : "term";
  const rows = prepare(`SELECT ${column} AS value FROM ${table} WHERE machine_id = ?`).all(id);
  const known = new Set(rows.map(({ value }) => String(value)));
  for (const value of known.difference(wanted))
    run(prepare, `DELETE FROM ${table} WHERE ${column} = ? AND machine_id = ?`, value, id);
  const insert = `INSERT INTO ${table} (${column}, machine_id) VALUES (?, ?) ON CONFLICT DO NOTHING`;
  return [...wanted.difference(known)].filter((value) => run(prepare, insert, value, id) === 0);
}
