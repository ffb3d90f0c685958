import type { RegisterMachine } from "#api/machine-requests.ts";
import { auditAllowed, type Origin } from "../clusters/audit.ts";
import { createMachineId } from "../clusters/identifiers.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { StoreConflict } from "../store/store.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";
import { toPowerRecord } from "./power-settings.ts";

export interface Registration {
  by: Origin;
  /** Where in the request a machine's MACs are, for messages: JSON pointer and words. */
  place: (index: number) => { pointer: string; words: string };
}

/**
 * Puts machines into the inventory by hand, all of them or none. Throws DomainError `invalid-request` with every MAC that
 * two of them share or that the inventory has already.
 */
export async function registerMachines(
  deps: MachineDependencies,
  requests: readonly RegisterMachine[],
  { by, place }: Registration,
): Promise<MachineRecord[]> {
  const errors = await findTakenMacs(deps, requests, place);
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot register machines", { errors });
  const at = deps.clock.now();
  const machines = requests.map((request) => toRecord(deps, request, at));
  const detail = machines.length === 1 ? `machine ${machines[0]?.id}` : `${machines.length} machines`;
  const audit = [auditAllowed(by, { action: "machine-register", at, clusterId: null, detail })];
  try {
    await deps.store.commit({ machines, audit });
  } catch (cause) {
    if (!(cause instanceof StoreConflict && cause.reason === "mac-taken")) throw cause;
    throw new DomainError("invalid-request", `${cause.message}; it was registered just now: look, and send it again`, {
      cause,
    });
  }
  return machines;
}

function toRecord(deps: MachineDependencies, request: RegisterMachine, at: number): MachineRecord {
  const { macs, power, provisioningMac, clusterMac, state, ...identity } = request;
  const [mac = ""] = macs;
  const id = createMachineId(deps.random);
  const machine: MachineRecord = {
    ...identity,
    id,
    state,
    macs,
    provisioningMac: provisioningMac ?? mac,
    clusterMac: clusterMac ?? provisioningMac ?? mac,
    power: toPowerRecord(deps, power, { machineId: id }),
    assignment: null,
    bootWindow: null,
    createdAt: at,
    firstSeenAt: null,
    lastSeenAt: null,
    lastSeenFrom: null,
    events: [],
    version: 0,
  };
  return withEvent(machine, { type: "state", at, message: `Registered by hand: ${state}` });
}

async function findTakenMacs(
  { store }: MachineDependencies,
  requests: readonly RegisterMachine[],
  place: Registration["place"],
) {
  const firstUse = new Map<string, number>();
  const errors: { pointer: string; detail: string }[] = [];
  for (const [index, { macs }] of requests.entries())
    for (const mac of macs) {
      const other = firstUse.get(mac);
      const holder = await store.machineByMac(mac);
      const { pointer } = place(index);
      if (other !== undefined) errors.push({ pointer, detail: `MAC ${mac} is also that of ${place(other).words}` });
      else if (holder !== undefined) errors.push({ pointer, detail: `MAC ${mac} belongs to machine ${holder.id}` });
      firstUse.set(mac, other ?? index);
    }
  return errors;
}
