import { decide } from "../clusters/decide.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";

/**
 * What a machine says of why it cannot boot, onto its timeline: a claim, and the same one after the other is told once.
 * Nothing is noted of machines that nobody knows.
 */
export const noteBootFailure = (
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  { mac, reason }: { mac: string; reason: string },
): Promise<void> =>
  decide(store, async () => {
    const machine = await store.machineByMac(mac);
    const message = `Says that it cannot boot: ${reason}`;
    if (machine === undefined || machine.events.at(-1)?.message === message) return { result: undefined };
    const told = withEvent(machine, { type: "boot", at: clock.now(), message });
    return { changes: { machines: [told] }, result: undefined };
  });
