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

/** The driver of one machine; whoever opened it closes it. */
export type OpenPowerDriver = (machine: MachineRecord) => PowerDriver;

type Deps = Pick<MachineDependencies, "store" | "serverKeys" | "clock">;

export const createOpenPowerDriver =
  (deps: Deps): OpenPowerDriver =>
  (machine) => {
    const { id, power } = machine;
    if (power.driver === "manual") return createManualDriver();
    const credentials = openCredentials(deps, machine);
    return createRedfishDriver({ url: new URL(power.url), credentials, trust: toTrust(deps, id, power.trust) });
  };

const toTrust = (deps: Deps, machineId: string, trust: PowerTrust): CertificateTrust =>
  trust.kind === "first-use" ? { kind: "first-use", remember: (sha256) => pinFirst(deps, machineId, sha256) } : trust;

/** Of two first ones the one that is stored first counts. Throws PowerError `untrusted`. */
async function pinFirst(deps: Deps, machineId: string, sha256: string): Promise<void> {
  await decide(deps.store, async () => {
    const machine = await findMachine(deps, machineId);
    const { power } = machine;
    if (power.driver === "redfish" && power.trust.kind === "first-use") {
      const pinned: MachineRecord = { ...machine, power: { ...power, trust: { kind: "fingerprint", sha256 } } };
      const message = `Pinned the first certificate of its controller: ${sha256}`;
      const told = withEvent(pinned, { type: "power", at: deps.clock.now(), message });
      return { changes: { machines: [told] }, result: undefined };
    }
    if (power.driver === "redfish" && power.trust.kind === "fingerprint" && power.trust.sha256 === sha256)
      return { result: undefined };
    throw new PowerError("untrusted", "Another certificate was pinned in the meantime; try again");
  });
}
