import { isSameUuid } from "#api/hardware-identity.ts";
import type { MachineSighting } from "#api/machine-sighting.ts";
import { decide } from "../clusters/decide.ts";
import type { ClaimKind, MachineRecord } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withAlert } from "./lifecycle.ts";

/**
 * Returns why a claimed identity is not this machine's; undefined if it may be. Before approval a machine's claims are
 * unverified, so the latest one replaces the first. Where a UUID is on record, a MAC alone is not enough.
 */
export function findMismatch(
  { state, uuid, provisioningMac }: MachineRecord,
  claimed: Pick<MachineSighting, "uuid">,
): string | undefined {
  if (state === "seen" || uuid === null) return undefined;
  if (claimed.uuid === null)
    return `A machine with MAC ${provisioningMac} has no UUID, not ${uuid}; if its firmware no longer reports one, change its UUID: sprout machines set ${provisioningMac} --uuid none`;
  if (isSameUuid(uuid, claimed.uuid)) return undefined;
  return `A machine with MAC ${provisioningMac} has UUID ${claimed.uuid}, not ${uuid}; if its board was changed, change its UUID: sprout machines set ${provisioningMac} --uuid ${claimed.uuid}`;
}

/** Raises an alert about a claim on a machine's timeline, in the log and in the metrics, once. */
export async function raiseMachineAlert(
  { store, clock, logger, observer }: MachineDependencies,
  { machineId, code, message }: { machineId: string; code: ClaimKind; message: string },
): Promise<void> {
  const isNews = await decide(store, async () => {
    const machine = await store.machine(machineId);
    const warned = machine && withAlert(machine, { at: clock.now(), message, claim: code });
    if (warned === undefined || warned === machine) return { result: false };
    return { changes: { machines: [warned] }, result: true };
  });
  if (!isNews) return;
  observer.alert(code);
  logger.warn("Alert", { code, machine: machineId, message });
}
