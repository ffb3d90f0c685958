import type { MachineRecord } from "../store/machine-record.ts";
import { changeRecord, inUse, type MachineOrder, wrongState } from "./change-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { moveMachine, unassigned } from "./lifecycle.ts";

/**
 * Frees a machine: the operator confirms that a released machine holds nothing of its last cluster, or that an approved
 * one is there. Throws DomainError `not-found`, `wrong-state`.
 */
export const releaseMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  changeRecord(deps, order, {
    action: "machine-release",
    apply(machine, at) {
      if (machine.state === "free") return machine;
      if (machine.state === "assigned") throw inUse(machine, "release");
      if (machine.state !== "released" && machine.state !== "approved")
        throw wrongState(machine, "release", "approve it");
      const message = `Released by ${order.by.actor}: free`;
      return moveMachine(machine, { to: "free", at, message, fields: unassigned(machine) });
    },
  });
