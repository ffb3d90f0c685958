import type { MachineRecord } from "../store/machine-record.ts";
import { withEvent } from "./lifecycle.ts";

/** How long a machine may take to boot once it was switched on or let in. */
export const bootWindowMs = 15 * 60_000;

/** While it is open, a machine that belongs to a cluster may be given a capability, once. */
export function openBootWindow(
  machine: MachineRecord,
  { at, because }: { at: number; because: string },
): MachineRecord {
  const bootWindow = { openedAt: at, closesAt: at + bootWindowMs, issuedAt: null };
  const message = `${because}: it may be given a capability once within 15 minutes`;
  return withEvent({ ...machine, bootWindow }, { type: "boot", at, message });
}
