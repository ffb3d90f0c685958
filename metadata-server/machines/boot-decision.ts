import type { MachineRecord } from "../store/machine-record.ts";

/** What a machine that asks is to do now. */
export type BootDecision =
  /** `approval`: nobody has approved it yet. `assignment`: it is free, and no cluster wants it now. */
  | { do: "wait"; for: "approval" | "assignment" }
  | { do: "nothing"; because: string }
  /** `isWindowOpen`: it may be given a capability now. */
  | { do: "boot"; from: "network"; install: boolean; isWindowOpen: boolean }
  | { do: "boot"; from: "disk" }
  /** Its disk holds what a cluster left there. */
  | { do: "wipe" };

export const refusedByOperator = "This machine was refused; approve it to let it in";

/** Of the machine as it is now. */
export function decideBoot(machine: MachineRecord, now: number): BootDecision {
  const { state, assignment, bootWindow } = machine;
  switch (state) {
    case "seen":
      return { do: "wait", for: "approval" };
    case "refused":
      return { do: "nothing", because: refusedByOperator };
    case "released":
      return assignment?.install === true ? { do: "wipe" } : { do: "wait", for: "assignment" };
    case "assigned": {
      const { install = false, installedAt = null } = assignment ?? {};
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
