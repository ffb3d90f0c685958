import { decide } from "../clusters/decide.ts";
import { createManualDriver } from "../power/manual-driver.ts";
import type { PowerDriver } from "../power/power-driver.ts";
import { PowerError } from "../power/power-error.ts";
import { createRedfishDriver } from "../power/redfish/redfish-driver.ts";
import type { CertificateTrust } from "../power/redfish/trusted-socket.ts";
import type { MachineRecord, PowerTrust } from "../store/machine-record.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { withEvent } from "./lifecycle.ts";
import { openCredentials } from "./power-settings.ts";
import { findMachine } from "./queries.ts";

/** Opens the driver of one machine; the caller closes it. */
export type OpenPowerDriver = (machine: MachineRecord) => PowerDriver;

type Deps = Pick<MachineDependencies, "store" | "serverKeys" | "clock">;

export const createOpenPowerDriver =
  (deps: Deps): OpenPowerDriver =>
  (machine) => {
    const { id, power } = machine;
    if (power.driver === "manual") return createManualDriver();
    const credentials = openCredentials(deps, machine);
    return createRedfishDriver({
      url: new URL(power.url),
      credentials,
      wereRefused: power.credentialsRefused ?? false,
      rememberRefusal: () => rememberRefusal(deps, id, power.sealedCredentials),
      trust: toTrust(deps, id, power.trust),
    });
  };

/** Marks the credentials that were sent; others may have been set in the meantime. */
async function rememberRefusal(deps: Deps, machineId: string, sealedCredentials: string | null): Promise<void> {
  await decide(deps.store, async () => {
    const machine = await deps.store.machine(machineId);
    if (machine?.power.driver !== "redfish" || machine.power.sealedCredentials !== sealedCredentials)
      return { result: undefined };
    const marked: MachineRecord = { ...machine, power: { ...machine.power, credentialsRefused: true } };
    return { changes: { machines: [marked] }, result: undefined };
  });
}

const toTrust = (deps: Deps, machineId: string, trust: PowerTrust): CertificateTrust =>
  trust.kind === "first-use" ? { kind: "first-use", remember: (sha256) => pinFirst(deps, machineId, sha256) } : trust;

/** Pins the first certificate. If two are seen at once, the one stored first counts. Throws PowerError `untrusted`. */
async function pinFirst(deps: Deps, machineId: string, sha256: string): Promise<void> {
  await decide(deps.store, async () => {
    const machine = await findMachine(deps, machineId);
    const { power } = machine;
    if (power.driver === "redfish" && power.trust.kind === "first-use") {
      const pinned: MachineRecord = { ...machine, power: { ...power, trust: { kind: "fingerprint", sha256 } } };
      const message = `Pinned the first certificate of its controller: ${sha256}`;
      const noted = withEvent(pinned, { type: "power", at: deps.clock.now(), message });
      return { changes: { machines: [noted] }, result: undefined };
    }
    if (power.driver === "redfish" && power.trust.kind === "fingerprint" && power.trust.sha256 === sha256)
      return { result: undefined };
    throw new PowerError("untrusted", "Another certificate was pinned in the meantime; try again");
  });
}
