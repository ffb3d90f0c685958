import type { MachineSighting } from "#api/machine-sighting.ts";
import { decide } from "../clusters/decide.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";
import { findMismatch, raiseMachineAlert } from "./mismatch.ts";

/**
 * Records on a machine's timeline why it says that it cannot boot. The reason is an unverified claim. A repeated one is
 * recorded once, and an unknown machine's not at all. With another UUID than the machine's it is an alert instead.
 */
export async function noteBootFailure(
  deps: MachineDependencies,
  { macs: [mac = ""], uuid, reason }: Pick<MachineSighting, "macs" | "uuid"> & { reason: string },
): Promise<void> {
  const { store, clock } = deps;
  const mismatch = await decide(store, async () => {
    const machine = await store.machineByMac(mac);
    if (machine === undefined) return { result: undefined };
    const found = findMismatch(machine, { uuid });
    if (found !== undefined) return { result: { machineId: machine.id, message: found } };
    const message = `Says that it cannot boot: ${reason}`;
    const noted = withEvent(machine, { type: "boot", at: clock.now(), message, claim: "boot-failure" });
    if (noted.events.at(-1)?.message === machine.events.at(-1)?.message) return { result: undefined };
    return { changes: { machines: [noted] }, result: undefined };
  });
  if (mismatch !== undefined) await raiseMachineAlert(deps, { ...mismatch, code: "uuid-mismatch" });
}
