import type { AuditAction } from "#api/audit.ts";
import type { ChangeMachine } from "#api/machine-requests.ts";
import { auditAllowed, type Origin } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { StoreConflict } from "../store/store.ts";
import { openBootWindow } from "./boot-window.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { canBecome, moveMachine, withEvent } from "./lifecycle.ts";
import { toPowerRecord } from "./power-settings.ts";
import { findMachine } from "./queries.ts";

export interface MachineOrder {
  machineId: string;
  by: Origin;
}

/**
 * Lets a machine in: it is free if it was seen, else once it is seen. Of a machine that belongs to a cluster it opens the
 * boot window again. Approving again changes nothing. Throws DomainError `not-found`, `wrong-state`.
 */
export const approveMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  change(deps, order, "approve", (machine, at) => {
    if (machine.state === "assigned") return openBootWindow(machine, { at, because: "Approved again" });
    if (machine.state === "free" || machine.state === "approved") return machine;
    if (machine.state === "released") throw wrongState(machine, "approve", "release it");
    const to = machine.firstSeenAt === null ? "approved" : "free";
    return moveMachine(machine, { to, at, message: `Approved by ${order.by.actor}: ${to}` });
  });

/** A machine that is in use is not refused: delete its cluster first. */
export const refuseMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  change(deps, order, "machine-refuse", (machine, at) => {
    if (machine.state === "refused") return machine;
    if (!canBecome(machine, "refused")) throw inUse(machine, "refuse");
    return moveMachine(machine, { to: "refused", at, message: `Refused by ${order.by.actor}` });
  });

/** Somebody vouches that the machine holds nothing of its last cluster any more, or that it is there. */
export const releaseMachine = (deps: MachineDependencies, order: MachineOrder): Promise<MachineRecord> =>
  change(deps, order, "machine-release", (machine, at) => {
    if (machine.state === "free") return machine;
    if (machine.state === "assigned") throw inUse(machine, "release");
    if (machine.state !== "released" && machine.state !== "approved")
      throw wrongState(machine, "release", "approve it");
    const fields = { assignment: null, bootWindow: null };
    return moveMachine(machine, { to: "free", at, message: `Released by ${order.by.actor}: free`, fields });
  });

export const changeMachine = (
  deps: MachineDependencies,
  { settings, ...order }: MachineOrder & { settings: ChangeMachine },
): Promise<MachineRecord> =>
  change(deps, order, "machine-change", (machine, at) => {
    const changed = applySettings(deps, machine, settings);
    const names = Object.keys(settings).join(", ");
    return withEvent(changed, { type: "state", at, message: `Changed by ${order.by.actor}: ${names}` });
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
    .map((field) => ({ pointer: `/${field}`, detail: `${changed[field]} is none of the machine's MACs` }));
  if (errors.length > 0) throw new DomainError("invalid-request", `Cannot change machine ${machine.id}`, { errors });
  return changed;
}

/** Forgets a machine; one that asks again is a new one. Throws DomainError `not-found`, `wrong-state`. */
export async function deleteMachine(deps: MachineDependencies, { machineId, by }: MachineOrder): Promise<void> {
  await decide(deps.store, async () => {
    const machine = await findMachine(deps, machineId);
    if (machine.state === "assigned" || machine.state === "released") throw inUse(machine, "delete");
    const detail = describeForAudit(machine);
    const at = deps.clock.now();
    const audit = [auditAllowed(by, { action: "machine-delete", at, clusterId: null, detail })];
    return { changes: { removedMachines: [machine], audit }, result: undefined };
  });
}

/** Where the machine stays as it is, nothing is written. */
async function change(
  deps: MachineDependencies,
  { machineId, by }: MachineOrder,
  action: Exclude<AuditAction, "refuse">,
  step: (machine: MachineRecord, at: number) => MachineRecord,
): Promise<MachineRecord> {
  try {
    return await decide(deps.store, async () => {
      const before = await findMachine(deps, machineId);
      const at = deps.clock.now();
      const machine = step(before, at);
      if (machine === before) return { result: before };
      const clusterId = machine.assignment?.clusterId ?? null;
      const audit = [auditAllowed(by, { action, at, clusterId, detail: describeForAudit(machine) })];
      return { changes: { machines: [machine], audit }, result: machine };
    });
  } catch (cause) {
    if (!(cause instanceof StoreConflict && cause.reason === "mac-taken")) throw cause;
    const errors = [{ pointer: "/macs", detail: cause.message }];
    throw new DomainError("invalid-request", `Cannot change machine ${machineId}`, { cause, errors });
  }
}

const describeForAudit = ({ id, provisioningMac }: MachineRecord) => `machine ${id} (MAC ${provisioningMac})`;

const wrongState = ({ id, state }: MachineRecord, verb: string, instead: string) =>
  new DomainError("wrong-state", `Cannot ${verb} machine ${id}: it is ${state}; ${instead} instead`);

const inUse = ({ id, state, assignment }: MachineRecord, verb: string) =>
  new DomainError(
    "wrong-state",
    `Cannot ${verb} machine ${id}: it is ${state}${assignment === null ? "" : ` and has the node ${assignment.member} of cluster ${assignment.clusterId}`}`,
  );
