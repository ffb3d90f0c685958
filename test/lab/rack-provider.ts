import type { Config } from "../../metadata-server/config.ts";
import { createOpenPowerDriver } from "../../metadata-server/machines/open-power-driver.ts";
import { systemClock } from "#lib/clock.ts";
import { createBareMetalProvider } from "../../metadata-server/machines/bare-metal-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import type { Store } from "../../metadata-server/store/store.ts";

export interface RackProviderOptions {
  nspawn: MachineProvider;
  config: Config;
  /** The server's inventory; set once it is open. */
  store: () => Store;
  serverKey: () => Buffer;
  bridge: string;
  /** First three octets of the rack's /24, whose host is `.1`. */
  subnet: string;
}

const isInRack = (name: string) => name.startsWith("node");
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** `rack`: control planes as nspawn machines on the rack's bridge, workers from the inventory like `bare-metal`, installed to disks if there are any. */
export function createRackProvider(options: RackProviderOptions): MachineProvider {
  const { nspawn, config, bridge, subnet } = options;
  const serverUrl = `https://${subnet}.1:${config.port}`;
  const bareMetal = () => {
    const deps = { store: options.store(), clock: systemClock };
    const openPowerDriver = createOpenPowerDriver({ ...deps, serverKeys: [options.serverKey()] });
    return createBareMetalProvider({
      ...deps,
      logger: silent,
      listImages: async () => (await nspawn.kubernetesVersions()).map((kubernetesVersion) => ({ kubernetesVersion })),
      serverUrl,
      openPowerDriver,
    });
  };
  return {
    ...nspawn,
    name: "rack",
    provisionAllowanceMs: 300_000,

    async reserve({ members, ...request }) {
      const workers = members.filter(({ name }) => isInRack(name));
      const free = await options.store().machines({ states: ["free"], limit: 100 });
      const install = free.some(({ hardware }) => (hardware?.disks.length ?? 0) > 0);
      const { machines: taken } = await bareMetal().reserve({ ...request, machines: { install }, members: workers });
      const controlPlanes = members.filter(({ name }) => !isInRack(name));
      const machines = controlPlanes.map(({ name, role }, index) => ({
        name,
        role,
        address: `${subnet}.${11 + index}`,
        mac: `0a:58:00:00:00:${11 + index}`,
      }));
      return { machines: [...machines, ...taken], serverUrl, providerData: { bridge } };
    },

    launch: (spec, signal) => (isInRack(spec.name) ? bareMetal() : nspawn).launch(spec, signal),
    abandonLaunch: async (machine) => bareMetal().abandonLaunch?.(machine),

    async terminate(machine) {
      await nspawn.terminate(machine);
      await bareMetal().terminate(machine);
    },

    release: (clusterId) => bareMetal().release(clusterId),
    // `bare-metal` lists the inventory's machines.
    list: () => nspawn.list(),
  };
}
