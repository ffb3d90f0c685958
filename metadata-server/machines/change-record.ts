import type { AuditAction } from "#api/audit.ts";
import { auditAllowed, type Actor } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { StoreConflict } from "../store/store.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { findMachine } from "./queries.ts";

export interface MachineOrder {
  machineId: string;
  by: Actor;
}

interface Change {
  action: Exclude<AuditAction, "refuse">;
  /** Returns the machine itself if nothing changes; then nothing is written. */
  apply: (machine: MachineRecord, at: number) => MachineRecord;
}

/** Changes a machine by an operator's order, together with its audit entry. Throws DomainError `not-found`. */
export async function changeRecord(
  deps: MachineDependencies,
  { machineId, by }: MachineOrder,
  { action, apply }: Change,
): Promise<MachineRecord> {
  try {
    return await decide(deps.store, async () => {
      const before = await findMachine(deps, machineId);
      const at = deps.clock.now();
      const machine = apply(before, at);
      if (machine === before) return { result: before };
      const clusterId = machine.assignment?.clusterId ?? null;
      const audit = [auditAllowed(by, { action, at, clusterId, detail: describeMachine(machine) })];
      return { changes: { machines: [machine], audit }, result: machine };
    });
  } catch (cause) {
    if (!(cause instanceof StoreConflict && cause.reason === "mac-taken")) throw cause;
    const errors = [{ pointer: "/macs", detail: `Expected MAC addresses that no other machine has: ${cause.message}` }];
    throw new DomainError("invalid-request", `Cannot change machine ${machineId}`, { cause, errors });
  }
}

/** The machine as the audit log names it. */
export const describeMachine = ({ id, provisioningMac }: MachineRecord) => `machine ${id} (MAC ${provisioningMac})`;

export const wrongState = ({ id, state }: MachineRecord, verb: string, instead: string) =>
  new DomainError("wrong-state", `Cannot ${verb} machine ${id}: it is ${state}; ${instead} instead`);

export const inUse = ({ id, state, assignment }: MachineRecord, verb: string) =>
  new DomainError(
    "wrong-state",
    `Cannot ${verb} machine ${id}: it is ${state}${assignment === null ? "" : ` and has the node ${assignment.member} of cluster ${assignment.clusterId}`}`,
  );
