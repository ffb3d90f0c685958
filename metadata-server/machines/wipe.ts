import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { createToken, hashToken } from "../clusters/identifiers.ts";
import { DomainError } from "../errors.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { moveMachine, withEvent } from "./lifecycle.ts";

type Deps = Pick<MachineDependencies, "store" | "clock" | "random">;

/**
 * A released machine is told to wipe its disk: the token that it shows when it has. The last one counts, because a machine
 * may be told again. Undefined where it has nothing to wipe.
 */
export const startWipe = ({ store, clock, random }: Deps, machineId: string): Promise<string | undefined> =>
  decide(store, async () => {
    const machine = await store.machine(machineId);
    if (machine?.state !== "released") return { result: undefined };
    const token = createToken(random);
    const told = { ...machine, wipeTokenHash: hashToken(token) };
    const message = "Told to wipe its disk";
    const machines = [withEvent(told, { type: "boot", at: clock.now(), message })];
    return { changes: { machines }, result: token };
  });

/** The machine says that it holds nothing of its last cluster any more: it is free. Throws DomainError `wrong-machine`. */
export const acceptWipe = (
  { store, clock }: Deps,
  { mac, token, from }: { mac: string; token: string; from: string | null },
): Promise<void> =>
  decide(store, async () => {
    const machine = await store.machineByMac(mac);
    const at = clock.now();
    if (machine === undefined || machine.wipeTokenHash !== hashToken(token))
      throw new DomainError("wrong-machine", "No machine with this MAC was told to wipe its disk with this token");
    // Told again, as its answer was lost.
    if (machine.state !== "released") return { result: undefined };
    const fields = { assignment: null, bootWindow: null };
    const free = moveMachine(machine, { to: "free", at, message: "Its disk is wiped: free", fields });
    const by = { ...bySprout, from };
    const detail = `machine ${machine.id} (MAC ${machine.provisioningMac}) says that its disk is wiped`;
    const audit = [auditAllowed(by, { action: "machine-release", at, clusterId: null, detail })];
    return { changes: { machines: [free], audit }, result: undefined };
  });
