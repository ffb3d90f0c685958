import type { MachineReaders } from "../store.ts";
import { queryTerms } from "../machine-index.ts";
import type { ApprovalRulesRecord, MachineRecord } from "../machine-record.ts";
import type { Prepare } from "./database.ts";
import { approvalRulesDocument } from "./write-machines.ts";
import type { RecordCache } from "./record-cache.ts";

const toMachine = (row: Record<string, unknown> | undefined) =>
  row === undefined ? undefined : (JSON.parse(String(row["record"])) as MachineRecord);

interface ReadOptions {
  prepare: Prepare;
  cache: Pick<RecordCache, "machineByMac">;
  /** Waits until the file can be read. */
  settled: () => Promise<void>;
}

/** Creates the functions that read the inventory from SQLite. */
export function createMachineReaders({ prepare, cache, settled }: ReadOptions): MachineReaders {
  return {
    async machine(id) {
      await settled();
      return toMachine(prepare("SELECT record FROM machines WHERE id = ?").get(id));
    },
    async machineByMac(mac) {
      const select = prepare(
        "SELECT record FROM machine_macs JOIN machines ON machines.id = machine_macs.machine_id WHERE mac = ?",
      );
      return cache.machineByMac(mac, () => toMachine(select.get(mac)));
    },
    async machines(query) {
      await settled();
      const { states, after, limit } = query;
      const terms = queryTerms(query);
      // One state is read in the order of its index; several states are sorted.
      const [state, ...others] = states ?? [];
      const isOneState = state !== undefined && others.length === 0;
      const conditions = [
        ...(states ? [isOneState ? "state = ?" : "state IN (SELECT value FROM json_each(?))"] : []),
        ...terms.map(() => "id IN (SELECT machine_id FROM machine_terms WHERE term = ?)"),
        ...(after === undefined ? [] : ["(created_at, id) < (SELECT created_at, id FROM machines WHERE id = ?)"]),
      ];
      const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
      const values = [
        ...(states ? [isOneState ? state : JSON.stringify(states)] : []),
        ...terms,
        ...(after === undefined ? [] : [after]),
      ];
      const rows = prepare(`SELECT record FROM machines ${where} ORDER BY created_at DESC, id DESC LIMIT ?`).all(
        ...values,
        limit,
      );
      return rows.flatMap((row) => toMachine(row) ?? []);
    },
    async countMachines(state) {
      await settled();
      return Number(prepare("SELECT count(*) AS count FROM machines WHERE state = ?").get(state)?.["count"]);
    },
    async mostCrowded(limit) {
      await settled();
      const rows = prepare(
        `SELECT record FROM machines
         WHERE state = 'seen' AND record ->> '$.lastSeenFrom' IS
           (SELECT record ->> '$.lastSeenFrom' AS address FROM machines WHERE state = 'seen'
            GROUP BY address ORDER BY count(*) DESC, min(last_seen_at), min(id) LIMIT 1)
         ORDER BY last_seen_at, id LIMIT ?`,
      ).all(limit);
      return rows.flatMap((row) => toMachine(row) ?? []);
    },
    async approvalRules() {
      await settled();
      const row = prepare("SELECT record FROM documents WHERE name = ?").get(approvalRulesDocument);
      return row === undefined ? undefined : (JSON.parse(String(row["record"])) as ApprovalRulesRecord);
    },
  };
}
