import type { MachineRecord } from "../store/machine-record.ts";
import { openBootWindow } from "./boot-decision.ts";
import { changeRecord, type MachineOrder, wrongState } from "./change-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { moveMachine } from "./lifecycle.ts";

/**
 * Lets a machine in. A machine that was seen becomes free, any other one when it is seen. If a cluster has it, its boot
 * window opens again. Throws DomainError `not-found`, `wrong-state`.
 */
export const approveMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  changeRecord(deps, order, {
    action: "approve",
    apply(machine, at) {
      if (machine.state === "assigned") return openBootWindow(machine, { at, because: "Approved again" });
      if (machine.state === "free" || machine.state === "approved") return machine;
      if (machine.state === "released") throw wrongState(machine, "approve", "release it");
      const to = machine.firstSeenAt === null ? "approved" : "free";
      return moveMachine(machine, { to, at, message: `Approved by ${order.by.actor}: ${to}` });
    },
  });
