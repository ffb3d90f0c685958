import { bySprout } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import type { PowerOutcome } from "../power/power-driver.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { Store } from "../store/store.ts";
import { decideBoot, isOpen } from "./boot-decision.ts";
import { canBecome, moveMachine } from "./lifecycle.ts";
import { type PowerDependencies, switchPower } from "./switch-power.ts";

interface Allocated {
  clusterId: string;
  allocation: string;
}

/** Returns the machine that has this allocation now. */
async function findAllocated(store: Pick<Store, "machines">, allocated: Allocated) {
  const { clusterId, allocation } = allocated;
  const [machine] = await store.machines({ states: ["assigned"], clusterId, allocation, limit: 1 });
  return machine;
}

/**
 * Boots the machine over the network, with its boot window open. Does nothing if the window is open already. Throws if
 * no machine has the allocation, or if it cannot be switched.
 */
export async function powerOn(deps: PowerDependencies, allocated: Allocated, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const machine = await findAllocated(deps.store, allocated);
  if (machine === undefined)
    throw new Error(`Cannot launch ${allocated.allocation}: no machine of cluster ${allocated.clusterId} has it`);
  if (isOpen(machine.bootWindow, deps.clock.now())) return;
  await switchPower(deps, { machineId: machine.id, action: "network-boot", by: bySprout, signal });
}

/** Closes the boot window, so that an interrupted launch can be repeated with the same machine. */
export async function closeWindow({ store }: Pick<PowerDependencies, "store">, allocated: Allocated): Promise<void> {
  await decide(store, async () => {
    const machine = await findAllocated(store, allocated);
    if (machine === undefined || machine.bootWindow === null) return { result: undefined };
    return { changes: { machines: [{ ...machine, bootWindow: null }] }, result: undefined };
  });
}

/**
 * Takes a machine from its cluster. If it was never launched, it is free at once; if it ran from memory, once it is
 * off. If it was installed, it must be wiped first. Does nothing if no machine has the allocation.
 */
export async function powerOff(deps: PowerDependencies, allocated: Allocated, signal: AbortSignal): Promise<void> {
  const machine = await findAllocated(deps.store, allocated);
  if (machine === undefined) return;
  const wasLaunched = machine.bootWindow !== null;
  const off = wasLaunched
    ? await switchPower(deps, { machineId: machine.id, action: "off", by: bySprout, signal })
    : undefined;
  await decide(deps.store, async () => {
    const current = await findAllocated(deps.store, allocated);
    if (current === undefined) return { result: undefined };
    return { changes: { machines: [release(current, { at: deps.clock.now(), off })] }, result: undefined };
  });
  await bootToWipe(deps, machine.id, signal);
}

/** The result is on the machine's timeline. The operator can repeat it, as any power action. */
async function bootToWipe(deps: PowerDependencies, machineId: string, signal: AbortSignal): Promise<void> {
  const machine = await deps.store.machine(machineId);
  if (machine === undefined || decideBoot(machine, deps.clock.now()).do !== "wipe") return;
  const order = { machineId, action: "network-boot", by: bySprout } as const;
  await switchPower(deps, { ...order, signal }).catch(() => undefined);
}

function release(machine: MachineRecord, { at, off }: { at: number; off: PowerOutcome | undefined }): MachineRecord {
  const { member, clusterId, install } = machine.assignment ?? {};
  const message = `No longer node ${member} of cluster ${clusterId}`;
  const fields = { bootWindow: null };
  const released = moveMachine(machine, { to: "released", at, message, fields });
  const holdsNothing = off === undefined || (off.kind === "done" && install !== true);
  if (!holdsNothing || !canBecome(released, "free")) return released;
  const why = off === undefined ? "It was never launched: free" : "It is off and its memory is empty: free";
  return moveMachine(released, { to: "free", at, message: why, fields: { assignment: null } });
}
