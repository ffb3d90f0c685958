import { decide } from "../clusters/decide.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";

/** A machine that was to tell what it has, and did not, is asked again so much later: no machine boots in a loop. */
export const inspectionIntervalMs = 3_600_000;

/** Nobody knows yet what it has, and it is not in use. */
export const needsInspection = ({ state, hardware, inspectionOfferedAt }: MachineRecord, now: number): boolean =>
  (state === "seen" || state === "free") &&
  hardware === null &&
  (inspectionOfferedAt === undefined || now - inspectionOfferedAt >= inspectionIntervalMs);

/** Notes that the machine is told to inspect itself now; false where it is not to. */
export const offerInspection = (
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  machineId: string,
): Promise<boolean> =>
  decide(store, async () => {
    const machine = await store.machine(machineId);
    const at = clock.now();
    if (machine === undefined || !needsInspection(machine, at)) return { result: false };
    const message = "Told to look at what it has: CPUs, memory, disks, interfaces";
    const offered = withEvent({ ...machine, inspectionOfferedAt: at }, { type: "boot", at, message });
    return { changes: { machines: [offered] }, result: true };
  });
