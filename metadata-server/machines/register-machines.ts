import type { RegisterMachine } from "#api/machine-requests.ts";
import type { FieldError } from "#api/problem.ts";
import { createTurns } from "#lib/turns.ts";
import { auditAllowed, type Actor } from "../clusters/audit.ts";
import { createMachineId } from "../clusters/identifiers.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { StoreConflict } from "../store/store.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { blankMachine, withEvent } from "./lifecycle.ts";
import { toPowerRecord } from "./power-settings.ts";

interface Registration {
  by: Actor;
  /** Where a machine's MACs stand in the request: as a JSON pointer, and for people. */
  place: (index: number) => { pointer: string; words: string };
}

/**
 * Adds machines to the inventory, all of them or none. Throws DomainError `invalid-request` with every MAC that two of
 * them share or that the inventory already has.
 */
export async function registerMachines(
  deps: MachineDependencies,
  requests: readonly RegisterMachine[],
  { by, place }: Registration,
): Promise<MachineRecord[]> {
  const errors = await findTakenMacs(deps, requests, place);
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot register machines", { errors });
  const at = deps.clock.now();
  const machines: MachineRecord[] = [];
  const turn = createTurns();
  for (const request of requests) {
    machines.push(toRecord(deps, request, at));
    await turn();
  }
  const detail = machines.length === 1 ? `machine ${machines[0]?.id}` : `${machines.length} machines`;
  const audit = [auditAllowed(by, { action: "machine-register", at, clusterId: null, detail })];
  try {
    await deps.store.commit({ machines, audit });
  } catch (cause) {
    if (!(cause instanceof StoreConflict && cause.reason === "mac-taken")) throw cause;
    throw new DomainError(
      "invalid-request",
      `${cause.message}; another request registered it just now: check it, then send this one again`,
      { cause },
    );
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
    ...blankMachine(at),
  };
  return withEvent(machine, { type: "state", at, message: `Registered by hand: ${state}` });
}

async function findTakenMacs(
  { store }: MachineDependencies,
  requests: readonly RegisterMachine[],
  place: Registration["place"],
) {
  const firstUse = new Map<string, number>();
  const errors: FieldError[] = [];
  const turn = createTurns();
  for (const [index, { macs }] of requests.entries()) {
    // A store in this process answers at once, and other requests must not wait for 10,000 answers.
    await turn();
    for (const mac of macs) {
      const other = firstUse.get(mac);
      const holder = await store.machineByMac(mac);
      const { pointer } = place(index);
      const owner = other === undefined ? holder && `machine ${holder.id}` : place(other).words;
      const detail = `Expected MAC addresses of this machine alone, got ${mac}, which ${owner} has`;
      if (owner !== undefined) errors.push({ pointer, detail });
      firstUse.set(mac, other ?? index);
    }
  }
  return errors;
}
