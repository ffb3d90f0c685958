import type { MachineRecord } from "../store/machine-record.ts";
import { withEvent } from "./lifecycle.ts";

/** How long a machine may take to boot after it was switched on or approved. */
export const bootWindowMs = 15 * 60_000;

/** What a machine that asks is to do now. */
export type BootDecision =
  /** `approval`: the operator has not approved it yet. `assignment`: it is free, and no cluster wants it now. */
  | { do: "wait"; for: "approval" | "assignment" }
  | { do: "nothing"; because: string }
  /** `isWindowOpen`: it may get a capability now. */
  | { do: "boot"; from: "network"; install: boolean; isWindowOpen: boolean }
  | { do: "boot"; from: "disk" }
  /** Its disk holds, or may hold, what a cluster left there. */
  | { do: "wipe" };

/** Decides by the machine's record alone. */
export function decideBoot(machine: MachineRecord, now: number): BootDecision {
  const { state, assignment, bootWindow } = machine;
  switch (state) {
    case "seen":
      return { do: "wait", for: "approval" };
    case "refused":
      return { do: "nothing", because: "This machine was refused; approve it to let it in" };
    case "released":
      return assignment?.install === true ? { do: "wipe" } : { do: "wait", for: "assignment" };
    case "assigned": {
      const { install = false, installedAt = null } = assignment ?? {};
      if (!install && machine.wasInstalled) return { do: "wipe" };
      if (install && installedAt !== null) return { do: "boot", from: "disk" };
      return { do: "boot", from: "network", install, isWindowOpen: isOpen(bootWindow, now) };
    }
    default:
      return { do: "wait", for: "assignment" };
  }
}

/** A capability is issued once in each window. */
export const isOpen = (bootWindow: MachineRecord["bootWindow"], now: number): boolean =>
  bootWindow !== null && bootWindow.issuedAt === null && now < bootWindow.closesAt;

/** Opens the window in which a cluster's machine may get a capability, once. */
export function openBootWindow(
  machine: MachineRecord,
  { at, because }: { at: number; because: string },
): MachineRecord {
  const bootWindow = { openedAt: at, closesAt: at + bootWindowMs, issuedAt: null };
  const message = `${because}: it may be given a capability once within 15 minutes`;
  return withEvent({ ...machine, bootWindow }, { type: "boot", at, message });
}
