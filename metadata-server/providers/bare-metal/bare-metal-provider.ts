import type { MachineProvider } from "../provider.ts";
import { assignMachines, findAssigned, pages } from "../../machines/assign-machines.ts";
import type { MachineDependencies } from "../../machines/dependencies.ts";
import type { OpenPowerDriver } from "../../machines/open-power-driver.ts";
import { closeWindow, powerOff, powerOn } from "../../machines/power-assigned.ts";

/** Firmware alone takes minutes on some servers. */
const provisionAllowanceMs = 15 * 60_000;
/** Longer than a power driver's own deadline, which says what was last seen. */
const powerOffMs = 200_000;

export interface BareMetalOptions extends Pick<MachineDependencies, "store" | "clock" | "logger"> {
  /** Versions that machines can boot over the network, newest first. */
  kubernetesVersions: () => Promise<string[]>;
  /** As machines reach it. */
  serverUrl: string;
  openPowerDriver: OpenPowerDriver;
}

/** Machines of one's own, taken from the inventory and given back to it. Their addresses are learned when they call. */
export function createBareMetalProvider(options: BareMetalOptions): MachineProvider {
  const { store } = options;
  const terminate: MachineProvider["terminate"] = (machine) =>
    powerOff(options, machine, AbortSignal.timeout(powerOffMs));

  return {
    name: "bare-metal",
    provisionAllowanceMs,
    kubernetesVersions: options.kubernetesVersions,

    async reserve({ clusterId, members, machines }) {
      const taken = await assignMachines(options, { clusterId, members, machines });
      return {
        machines: members.map(({ name, role }) => ({
          name,
          role,
          address: null,
          mac: taken.get(name)?.clusterMac ?? null,
        })),
        serverUrl: options.serverUrl,
        providerData: {},
      };
    },

    // The seed stays unused: a capability is issued when the machine asks for its boot script, and kept nowhere.
    launch: (machine, signal) => powerOn(options, machine, signal),
    abandonLaunch: (machine) => closeWindow(options, machine),
    terminate,

    async release(clusterId) {
      for (const { assignment } of await findAssigned(store, clusterId))
        await terminate({ clusterId, allocation: assignment?.allocation ?? "" });
    },

    async list() {
      const assigned = (await Array.fromAsync(pages(store, { states: ["assigned"] }))).flat();
      const machines = assigned.flatMap(({ assignment }) => assignment ?? []);
      const clusterIds = new Set(machines.map(({ clusterId }) => clusterId));
      return [
        ...machines.map(({ clusterId, allocation }) => ({ clusterId, allocation })),
        ...Array.from(clusterIds, (clusterId) => ({ clusterId, allocation: "" })),
      ];
    },
  };
}
