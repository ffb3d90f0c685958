import { indexTerms } from "../machine-index.ts";
import type { MachineRecord } from "../machine-record.ts";
import type { Changes } from "../store.ts";
import { toDo } from "./stringify-in-turns.ts";

/** Returns the inventory's part of a commit's plan, for check-machines.lua and write-machines.lua. */
export function planMachines({ machines = [], removedMachines = [], approvalRules }: Changes) {
  return {
    machines: toDo(machines, toStored),
    removedMachines: toDo(removedMachines, ({ id, version }) => ({ id, version })),
    approvalRules: approvalRules && {
      version: approvalRules.version + 1,
      json: JSON.stringify({ ...approvalRules, version: approvalRules.version + 1 }),
    },
  };
}

function toStored(record: MachineRecord) {
  const { id, macs, state, createdAt, lastSeenAt } = record;
  const version = record.version + 1;
  const terms = indexTerms(record).map((term) => `with:${term}`);
  return {
    id,
    macs,
    version,
    json: JSON.stringify({ ...record, version }),
    lists: { position: `${String(createdAt).padStart(16, "0")}/${id}`, names: ["by-age", `in:${state}`, ...terms] },
    unapprovedSince: state === "seen" ? (lastSeenAt ?? 0) : null,
  };
}
