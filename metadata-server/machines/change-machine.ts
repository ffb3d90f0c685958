import { mismatch } from "#api/field-errors.ts";
import type { ChangeMachine } from "#api/machine-requests.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { changeRecord, type MachineOrder } from "./change-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";
import { toPowerRecord } from "./power-settings.ts";

/** Changes the given settings and keeps the others. Throws DomainError `not-found`, `invalid-request`. */
export const changeMachine = (
  deps: MachineDependencies,
  { settings, ...order }: MachineOrder & { settings: ChangeMachine },
): Promise<MachineRecord> =>
  changeRecord(deps, order, {
    action: "machine-change",
    apply(machine, at) {
      const changed = applySettings(deps, machine, settings);
      const names = Object.keys(settings).join(", ");
      return withEvent(changed, { type: "state", at, message: `Changed by ${order.by.actor}: ${names}` });
    },
  });

function applySettings(deps: MachineDependencies, machine: MachineRecord, settings: ChangeMachine): MachineRecord {
  const { power, ...rest } = settings;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const changed: MachineRecord = {
    ...machine,
    ...given,
    power:
      power === undefined
        ? machine.power
        : toPowerRecord(deps, power, { machineId: machine.id, before: machine.power }),
  };
  const errors = (["provisioningMac", "clusterMac"] as const)
    .filter((field) => !changed.macs.includes(changed[field]))
    .map((field) => ({ pointer: `/${field}`, detail: mismatch("one of the machine's MAC addresses", changed[field]) }));
  if (errors.length > 0) throw new DomainError("invalid-request", `Cannot change machine ${machine.id}`, { errors });
  return changed;
}
