import { auditAllowed } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { describeMachine, inUse, type MachineOrder } from "./change-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { findMachine } from "./queries.ts";

/** Forgets a machine; if it asks again, it is a new one. Throws DomainError `not-found`, `wrong-state`. */
export const deleteMachine = (deps: MachineDependencies, { machineId, by }: MachineOrder): Promise<void> =>
  decide(deps.store, async () => {
    const machine = await findMachine(deps, machineId);
    if (machine.state === "assigned" || machine.state === "released") throw inUse(machine, "delete");
    const detail = describeMachine(machine);
    const audit = [auditAllowed(by, { action: "machine-delete", at: deps.clock.now(), clusterId: null, detail })];
    return { changes: { removedMachines: [machine], audit }, result: undefined };
  });
