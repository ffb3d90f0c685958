import type { SQLInputValue } from "node:sqlite";
import { indexTerms } from "../machine-index.ts";
import type { ApprovalRulesRecord, MachineRecord } from "../machine-record.ts";
import { machineTitle, macTaken, rulesTitle, stale } from "../refusals.ts";
import type { Changes } from "../store.ts";
import type { Prepare } from "./apply-changes.ts";

export const approvalRulesDocument = "approval-rules";

/** The inventory's part of a commit, in the open transaction. */
export function createApplyMachines(prepare: Prepare) {
  const run = (sql: string, ...values: SQLInputValue[]) => Number(prepare(sql).run(...values).changes);

  /** Rows of `table` become those of `wanted`; what is there already stays. */
  function writeIndex(table: "machine_macs" | "machine_terms", id: string, wanted: ReadonlySet<string>): string[] {
    const column = table === "machine_macs" ? "mac" : "term";
    const known = new Set(
      prepare(`SELECT ${column} AS word FROM ${table} WHERE machine_id = ?`)
        .all(id)
        .map(({ word }) => String(word)),
    );
    for (const word of known.difference(wanted))
      run(`DELETE FROM ${table} WHERE ${column} = ? AND machine_id = ?`, word, id);
    const insert = `INSERT INTO ${table} (${column}, machine_id) VALUES (?, ?) ON CONFLICT DO NOTHING`;
    return [...wanted.difference(known)].filter((word) => run(insert, word, id) === 0);
  }

  function writeMachine(record: MachineRecord): void {
    const { id, state, createdAt, lastSeenAt, version } = record;
    const json = JSON.stringify({ ...record, version: version + 1 });
    const written =
      version === 0
        ? run(
            "INSERT INTO machines (id, state, created_at, last_seen_at, version, record) VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (id) DO NOTHING",
            id,
            state,
            createdAt,
            lastSeenAt,
            json,
          )
        : run(
            "UPDATE machines SET state = ?, last_seen_at = ?, version = version + 1, record = ? WHERE id = ? AND version = ?",
            state,
            lastSeenAt,
            json,
            id,
            version,
          );
    if (written === 0) throw stale(machineTitle(record), version);
    const [taken] = writeIndex("machine_macs", id, new Set(record.macs));
    if (taken !== undefined) throw macTaken(record, taken);
    writeIndex("machine_terms", id, new Set(indexTerms(record)));
  }

  function removeMachine({ id, version }: Pick<MachineRecord, "id" | "version">): void {
    for (const table of ["machine_macs", "machine_terms"]) run(`DELETE FROM ${table} WHERE machine_id = ?`, id);
    if (run("DELETE FROM machines WHERE id = ? AND version = ?", id, version) === 0)
      throw stale(machineTitle({ id }), version);
  }

  function writeRules(record: ApprovalRulesRecord): void {
    const { version } = record;
    const json = JSON.stringify({ ...record, version: version + 1 });
    const written =
      version === 0
        ? run(
            "INSERT INTO documents (name, version, record) VALUES (?, 1, ?) ON CONFLICT (name) DO NOTHING",
            approvalRulesDocument,
            json,
          )
        : run(
            "UPDATE documents SET version = version + 1, record = ? WHERE name = ? AND version = ?",
            json,
            approvalRulesDocument,
            version,
          );
    if (written === 0) throw stale(rulesTitle, version);
  }

  return ({ machines = [], removedMachines = [], approvalRules }: Changes): void => {
    // First, so that a MAC can go from one machine to another in one commit.
    for (const machine of removedMachines) removeMachine(machine);
    for (const machine of machines) writeMachine(machine);
    if (approvalRules !== undefined) writeRules(approvalRules);
  };
}
