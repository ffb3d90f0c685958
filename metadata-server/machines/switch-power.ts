import type { PowerAction } from "#api/machine-requests.ts";
import { messageOf } from "#lib/errors.ts";
import { type Actor, auditAllowed } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import type { BeforeBoot, PowerDriver, PowerOutcome } from "../power/power-driver.ts";
import { PowerError } from "../power/power-error.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { openBootWindow } from "./boot-decision.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";
import type { OpenPowerDriver } from "./open-power-driver.ts";
import { findMachine } from "./queries.ts";

export type PowerDependencies = Pick<MachineDependencies, "store" | "clock"> & { openPowerDriver: OpenPowerDriver };

interface PowerOrder {
  machineId: string;
  action: PowerAction;
  by: Actor;
}

interface Action {
  words: string;
  act: (driver: PowerDriver, signal: AbortSignal, beforeBoot: BeforeBoot) => Promise<PowerOutcome>;
}

const actions: Record<PowerAction, Action> = {
  on: { words: "switch on", act: (driver, ...rest) => driver.on(...rest) },
  off: { words: "switch off", act: (driver, signal) => driver.off(signal) },
  cycle: { words: "switch off and on", act: (driver, ...rest) => driver.cycle(...rest) },
  "network-boot": { words: "boot over the network", act: (driver, ...rest) => driver.bootFromNetwork(...rest) },
};

/** Switches a machine's power. Throws DomainError `not-found`, PowerError, or the signal's reason. */
export async function switchPower(
  deps: PowerDependencies,
  { signal, ...order }: PowerOrder & { signal: AbortSignal },
): Promise<PowerOutcome> {
  return performPower(deps, { machine: await requestPower(deps, order), action: order.action, signal });
}

/**
 * Records the request on the timeline and in the audit log, before anything is done. Throws DomainError `not-found`.
 */
export function requestPower(deps: PowerDependencies, { machineId, action, by }: PowerOrder): Promise<MachineRecord> {
  return decide(deps.store, async () => {
    const before = await findMachine(deps, machineId);
    const at = deps.clock.now();
    const { words } = actions[action];
    const machine = withEvent(before, { type: "power", at, message: `Asked by ${by.actor} to ${words}` });
    const clusterId = machine.assignment?.clusterId ?? null;
    const detail = `machine ${machineId} (MAC ${machine.provisioningMac}): ${words}`;
    const audit = [auditAllowed(by, { action: "machine-power", at, clusterId, detail })];
    return { changes: { machines: [machine], audit }, result: machine };
  });
}

/** Performs a recorded request. The timeline shows the result: done, left to the operator, or why it failed. */
export async function performPower(
  deps: PowerDependencies,
  { machine, action, signal }: { machine: MachineRecord; action: PowerAction; signal: AbortSignal },
): Promise<PowerOutcome> {
  const { words, act } = actions[action];
  const driver = deps.openPowerDriver(machine);
  try {
    const outcome = await act(driver, signal, () => letBoot(deps, machine));
    await note(deps, machine.id, outcome.kind === "done" ? outcome.detail : outcome.instruction);
    return outcome;
  } catch (error) {
    const reason = messageOf(error);
    await note(deps, machine.id, error instanceof PowerError ? reason : `Cannot ${words}: ${reason}`);
    throw error;
  } finally {
    await driver.close();
  }
}

/**
 * Opens the boot window of a cluster's machine, which is off by then. A machine that was still on could use the window
 * up with a request of its last boot, and would then count as a duplicate.
 */
async function letBoot({ store, clock }: PowerDependencies, { id, assignment }: MachineRecord): Promise<void> {
  await decide(store, async () => {
    const machine = await findMachine({ store }, id);
    if (machine.assignment?.allocation !== assignment?.allocation)
      throw new PowerError("rejected", "The machine became another node's in the meantime");
    if (machine.state !== "assigned") return { result: undefined };
    const opened = openBootWindow(machine, { at: clock.now(), because: "Boot window opened" });
    return { changes: { machines: [opened] }, result: undefined };
  });
}

async function note({ store, clock }: PowerDependencies, machineId: string, message: string): Promise<void> {
  await decide(store, async () => {
    const machine = await store.machine(machineId);
    if (machine === undefined) return { result: undefined };
    const noted = withEvent(machine, { type: "power", at: clock.now(), message });
    return { changes: { machines: [noted] }, result: undefined };
  });
}
