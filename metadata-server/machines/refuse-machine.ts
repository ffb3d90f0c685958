import type { MachineRecord } from "../store/machine-record.ts";
import { changeRecord, inUse, type MachineOrder } from "./change-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { canBecome, moveMachine } from "./lifecycle.ts";

/** Gives the machine nothing from now on. Throws DomainError `not-found`, or `wrong-state` if a cluster has it. */
export const refuseMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  changeRecord(deps, order, {
    action: "machine-refuse",
    apply(machine, at) {
      if (machine.state === "refused") return machine;
      if (!canBecome(machine, "refused")) throw inUse(machine, "refuse");
      return moveMachine(machine, { to: "refused", at, message: `Refused by ${order.by.actor}` });
    },
  });
