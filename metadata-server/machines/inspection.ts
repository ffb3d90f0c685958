import { decide } from "../clusters/decide.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";

/**
 * A machine that was asked to inspect itself and sent no report is asked again after this time, so it cannot boot in a
 * loop.
 */
const inspectionIntervalMs = 3_600_000;

/** Whether the machine's hardware is unknown and the machine is not in use. */
export const needsInspection = ({ state, hardware, inspectionOfferedAt }: MachineRecord, now: number): boolean =>
  (state === "seen" || state === "free") &&
  hardware === null &&
  (inspectionOfferedAt === undefined || now - inspectionOfferedAt >= inspectionIntervalMs);

/** Records that the machine is asked to inspect itself now. Returns false if it need not. */
export const offerInspection = (
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  machineId: string,
): Promise<boolean> =>
  decide(store, async () => {
    const machine = await store.machine(machineId);
    const at = clock.now();
    if (machine === undefined || !needsInspection(machine, at)) return { result: false };
    const message = "Asked to inspect its CPUs, memory, disks and interfaces";
    const entry = { type: "boot", at, message, claim: "inspection-order" } as const;
    const offered = withEvent({ ...machine, inspectionOfferedAt: at }, entry);
    return { changes: { machines: [offered] }, result: true };
  });
