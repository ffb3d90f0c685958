import { decide } from "../clusters/decide.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { Store } from "../store/store.ts";
import { isOpen } from "./boot-decision.ts";
import { bootWindowMs } from "./change-machine.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { canBecome, moveMachine, withEvent } from "./lifecycle.ts";
import { findPowerDriver, type PowerDrivers, type PowerResult } from "./power-driver.ts";

export interface Allocated {
  clusterId: string;
  allocation: string;
}

type PowerDependencies = Pick<MachineDependencies, "store" | "clock" | "logger"> & { power: PowerDrivers };

/** The machine that has that allocation now. */
export async function findAllocated(store: Pick<Store, "machines">, allocated: Allocated) {
  const { clusterId, allocation } = allocated;
  const [machine] = await store.machines({ states: ["assigned"], clusterId, allocation, limit: 1 });
  return machine;
}

/**
 * Opens the machine's boot window and switches it on, over the network. While its window is open, nothing is done again.
 * Throws where no machine has the allocation, or it cannot be switched.
 */
export async function powerOn(deps: PowerDependencies, allocated: Allocated, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const machine = await openWindow(deps, allocated);
  if (machine === undefined) return;
  const driver = findPowerDriver(deps.power, machine);
  await recordPower(deps, machine.id, await driver.oneTimeNetworkBoot(machine, signal));
  signal.throwIfAborted();
  await recordPower(deps, machine.id, await driver.on(machine, signal));
}

/** Undefined where it is open already. */
async function openWindow({ store, clock }: PowerDependencies, allocated: Allocated) {
  return decide(store, async () => {
    const machine = await findAllocated(store, allocated);
    if (machine === undefined)
      throw new Error(`Cannot launch ${allocated.allocation}: no machine of cluster ${allocated.clusterId} has it`);
    const at = clock.now();
    if (isOpen(machine.bootWindow, at)) return { result: undefined };
    const bootWindow = { openedAt: at, closesAt: at + bootWindowMs, issuedAt: null };
    const message = "Boot window opened: it may be given a capability once within 15 minutes";
    const opened = withEvent({ ...machine, bootWindow }, { type: "boot", at, message });
    return { changes: { machines: [opened] }, result: opened };
  });
}

/** A launch that was cut off may be done again, by the same machine. */
export async function closeWindow({ store }: Pick<PowerDependencies, "store">, allocated: Allocated): Promise<void> {
  await decide(store, async () => {
    const machine = await findAllocated(store, allocated);
    if (machine === undefined || machine.bootWindow === null) return { result: undefined };
    return { changes: { machines: [{ ...machine, bootWindow: null }] }, result: undefined };
  });
}

/**
 * Takes a machine from its cluster. One that was never launched is free at once; one that ran from memory is free once it
 * is off; one that was installed has to be wiped. Nothing is done where no machine has the allocation.
 */
export async function powerOff(deps: PowerDependencies, allocated: Allocated, signal: AbortSignal): Promise<void> {
  const machine = await findAllocated(deps.store, allocated);
  if (machine === undefined) return;
  const wasLaunched = machine.bootWindow !== null;
  const off = wasLaunched ? await findPowerDriver(deps.power, machine).off(machine, signal) : undefined;
  await decide(deps.store, async () => {
    const current = await findAllocated(deps.store, allocated);
    if (current === undefined) return { result: undefined };
    return { changes: { machines: [release(current, { at: deps.clock.now(), off })] }, result: undefined };
  });
}

function release(machine: MachineRecord, { at, off }: { at: number; off: PowerResult | undefined }): MachineRecord {
  const { member, clusterId, install } = machine.assignment ?? {};
  const message = `No node ${member} of cluster ${clusterId} any more`;
  const fields = { bootWindow: null };
  const released = moveMachine(machine, { to: "released", at, message, fields });
  const told = off === undefined ? released : withEvent(released, { type: "power", at, message: off.message });
  const holdsNothing = off === undefined || (off.isDone && install !== true);
  if (!holdsNothing || !canBecome(told, "free")) return told;
  const why = off === undefined ? "It was never launched: free" : "It is off, and its memory gone: free";
  return moveMachine(told, { to: "free", at, message: why, fields: { assignment: null } });
}

async function recordPower(
  { store, clock }: PowerDependencies,
  machineId: string,
  { message }: PowerResult,
): Promise<void> {
  await decide(store, async () => {
    const machine = await store.machine(machineId);
    if (machine === undefined) return { result: undefined };
    const told = withEvent(machine, { type: "power", at: clock.now(), message });
    return { changes: { machines: [told] }, result: undefined };
  });
}
