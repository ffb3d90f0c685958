import { imageNamesOf, type ImageReference, versionsOf } from "#lib/image-folder.ts";
import type { MachineProvider } from "../providers/provider.ts";
import { assignMachines, findAssigned, machinePages } from "./assign-machines.ts";
import type { MachineDependencies } from "./dependencies.ts";
import type { OpenPowerDriver } from "./open-power-driver.ts";
import { closeWindow, powerOff, powerOn } from "./power-assigned.ts";

/** Firmware alone takes minutes on some servers. */
const provisionAllowanceMs = 15 * 60_000;
/** Longer than a power driver's own deadline, whose error says what was last seen. */
const powerOffMs = 200_000;

export interface BareMetalOptions extends Pick<MachineDependencies, "store" | "clock" | "logger"> {
  /** Images that machines can boot over the network, those of the newest Kubernetes version first. */
  listImages: () => Promise<ImageReference[]>;
  /** The server as machines reach it. */
  serverUrl: string;
  openPowerDriver: OpenPowerDriver;
}

/** Takes machines from the inventory and gives them back. A machine's address is known once it calls. */
export function createBareMetalProvider(options: BareMetalOptions): MachineProvider {
  const { store } = options;
  const terminate: MachineProvider["terminate"] = (machine) =>
    powerOff(options, machine, AbortSignal.timeout(powerOffMs));

  return {
    name: "bare-metal",
    provisionAllowanceMs,
    virtualAddresses: "given",
    kubernetesVersions: async () => versionsOf(await options.listImages()),
    imageNames: async (kubernetesVersion) => imageNamesOf(await options.listImages(), kubernetesVersion),

    async reserve({ clusterId, members, machines, nodePools, present }) {
      const taken = await assignMachines(options, { clusterId, members, machines, nodePools, present });
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

    // The seed stays unused: the machine gets a capability with its boot script.
    launch: (machine, signal) => powerOn(options, machine, signal),
    abandonLaunch: (machine) => closeWindow(options, machine),
    terminate,

    async release(clusterId) {
      for (const { assignment } of await findAssigned(store, clusterId))
        await terminate({ clusterId, allocation: assignment?.allocation ?? "" });
    },

    async list() {
      const assigned = (await Array.fromAsync(machinePages(store, { states: ["assigned"] }))).flat();
      const machines = assigned.flatMap(({ assignment }) => assignment ?? []);
      const clusterIds = new Set(machines.map(({ clusterId }) => clusterId));
      return [
        ...machines.map(({ clusterId, allocation }) => ({ clusterId, allocation })),
        ...Array.from(clusterIds, (clusterId) => ({ clusterId, allocation: "" })),
      ];
    },
  };
}
