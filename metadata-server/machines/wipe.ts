import type { MachineSighting } from "#api/machine-sighting.ts";
import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { decide, type Decision } from "../clusters/decide.ts";
import { createToken, hashToken } from "../clusters/identifiers.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { decideBoot, openBootWindow } from "./boot-decision.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { moveMachine, unassigned, withEvent } from "./lifecycle.ts";
import { findMismatch, raiseMachineAlert } from "./mismatch.ts";

type Deps = Pick<MachineDependencies, "store" | "clock" | "random">;

/**
 * Orders a machine to wipe its disk: one that is released, or that was installed once and will run from memory. Returns
 * the token that it shows when that is done; undefined if it has nothing to wipe. A machine may be ordered several
 * times, and only the last token is valid, from the address that it was given to.
 */
export const startWipe = (
  { store, clock, random }: Deps,
  { machineId, from }: { machineId: string; from: string | null },
): Promise<string | undefined> =>
  decide(store, async () => {
    const machine = await store.machine(machineId);
    const at = clock.now();
    if (machine === undefined || decideBoot(machine, at).do !== "wipe") return { result: undefined };
    const token = createToken(random);
    const ordered = { ...machine, wipeTokenHash: hashToken(token), wipeOrderedFrom: from };
    const message = "Ordered to wipe its disk";
    const isRepeated = machine.events.at(-1)?.message === message;
    const noted = isRepeated ? ordered : withEvent(ordered, { type: "boot", at, message, claim: "wipe-order" });
    return { changes: { machines: [noted] }, result: token };
  });

type WipeReport = Pick<MachineSighting, "macs" | "uuid"> & { token: string; from: string | null };
type Doubt = Parameters<typeof raiseMachineAlert>[1];

/**
 * Frees a machine that reports an empty disk, or lets it boot as a worker in memory. Throws DomainError
 * `wrong-machine`, with an alert if the token is right and the machine is not.
 */
export async function acceptWipe(deps: MachineDependencies, report: WipeReport): Promise<void> {
  const doubt = await decide(deps.store, async (): Promise<Decision<Doubt | undefined>> => {
    const machine = await deps.store.machineByMac(report.macs[0] ?? "");
    if (machine === undefined || machine.wipeTokenHash !== hashToken(report.token)) throw wrongMachine();
    const found = doubtReport(machine, report);
    if (found !== undefined) return { result: { machineId: machine.id, ...found } };
    const at = deps.clock.now();
    const wiped = toWiped(machine, at);
    // The first answer was lost, and the machine reports again.
    if (wiped === undefined) return { result: undefined };
    const by = { ...bySprout, from: report.from };
    const detail = `machine ${machine.id} (MAC ${machine.provisioningMac}) reports that its disk is wiped`;
    const entry = auditAllowed(by, { action: "machine-release", at, clusterId: null, detail });
    const audit = wiped.state === "free" ? [entry] : [];
    return { changes: { machines: [wiped], audit }, result: undefined };
  });
  if (doubt === undefined) return;
  await raiseMachineAlert(deps, doubt);
  throw wrongMachine();
}

/** An order of an earlier release has no address. */
function doubtReport(machine: MachineRecord, { uuid, from }: WipeReport): Omit<Doubt, "machineId"> | undefined {
  const mismatch = findMismatch(machine, { uuid });
  if (mismatch !== undefined) return { code: "uuid-mismatch", message: mismatch };
  const { wipeOrderedFrom: ordered = from, provisioningMac } = machine;
  if (ordered === from) return undefined;
  const message = `A machine with MAC ${provisioningMac} reported from ${from} that its disk is wiped, but was ordered to at ${ordered}`;
  return { code: "wrong-machine", message };
}

function toWiped(machine: MachineRecord, at: number): MachineRecord | undefined {
  if (machine.state === "released")
    return moveMachine(machine, { to: "free", at, message: "Its disk is wiped: free", fields: unassigned(machine) });
  if (decideBoot(machine, at).do !== "wipe") return undefined;
  const { wasInstalled: _, ...wiped } = machine;
  return openBootWindow(wiped, { at, because: "Its disk is wiped" });
}

const wrongMachine = () =>
  new DomainError("wrong-machine", "No machine with this MAC was ordered to wipe its disk with this token");
