import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { createMachineClient, type MachineClient } from "../../cli/client/machine-client.ts";
import { createRequester } from "../../cli/client/requester.ts";
import type { Config } from "../../metadata-server/config.ts";
import { openConfiguredStore } from "../../metadata-server/serve.ts";
import { loadServerKey } from "../../metadata-server/pki/server-key.ts";
import type { Store } from "../../metadata-server/store/store.ts";
import { type FakeRedfish, startFakeRedfish } from "../fakes/fake-redfish.ts";
import { createServerTls } from "../fakes/test-certificates.ts";
import { credentials } from "../fixtures/redfish-driver.ts";
import { type Lab, startLab } from "./lab.ts";
import { createBridge, deleteLink } from "./links.ts";
import { createPoweredQemuMachine, type PoweredQemuMachine } from "./powered-qemu-machine.ts";
import type { Firmware } from "./qemu-machine.ts";
import { createRackProvider } from "./rack-provider.ts";

const bridge = "sprout-rack";
const subnet = "10.78.1";
const gibibyte = 2 ** 30;

/** An emulated machine behind a fake controller. */
export interface RackMachine {
  mac: string;
  /** The MAC address of its second card, if it has one. */
  secondMac: string | undefined;
  powered: PoweredQemuMachine;
  controller: FakeRedfish;
  /** Its output on the serial port, without cursor sequences. */
  said(): Promise<string>;
}

export interface Rack {
  lab: Lab;
  machines: MachineClient;
  /** Puts a machine into the rack that the server does not know. */
  add(machine: {
    firmware?: Firmware;
    memoryMiB: number;
    cpus?: number;
    diskGiB?: number;
    cards?: 1 | 2;
  }): Promise<RackMachine>;
  /** Registers its power controller at the server, and its last card for clusters. */
  setUp(id: string, machine: RackMachine): Promise<void>;
  /** The address that DHCP leased to a card. */
  leaseOf(mac: string): Promise<string | undefined>;
  close(): Promise<void>;
}

function opened<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error("The server has not started yet");
  return thing;
}

/**
 * A separate network with Sprout's server, its DHCP and its boot surface, and emulated machines whose power a fake
 * controller switches. Clusters of provider `rack` have their control planes in nspawn machines on the same network.
 */
export async function startRack(): Promise<Rack> {
  await createBridge(bridge, [`${subnet}.1/24`, "fd78:1::1/64"]);
  const folder = await mkdtemp(join(tmpdir(), "sprout-rack-"));
  const tls = await createServerTls(folder);
  let store: Store | undefined;
  let serverKey: Buffer | undefined;
  const lab = await startLab(
    (nspawn, config) =>
      createRackProvider({
        nspawn,
        config,
        store: () => opened(store),
        serverKey: () => opened(serverKey),
        bridge,
        subnet,
      }),
    {
      settings: {
        httpListen: `${subnet}.1:${await findFreePort()}`,
        dhcp: "own",
        dhcpInterface: bridge,
        dhcpRange: `${subnet}.50-${subnet}.99`,
        dhcpRouter: `${subnet}.1`,
      },
      async openStore(config: Config, options) {
        serverKey = await loadServerKey(join(config.dataDir, "server.key"));
        store = await openConfiguredStore(config, options);
        return store;
      },
    },
  );
  const signal = new AbortController().signal;
  const requester = createRequester(lab.connection, signal);
  const rackMachines: RackMachine[] = [];
  return {
    lab,
    machines: createMachineClient(lab.connection, { signal }),

    async add({ firmware = "bios", memoryMiB, cpus, diskGiB, cards = 1 }) {
      const index = rackMachines.length + 1;
      const mac = `52:54:00:78:01:0${index}`;
      const secondMac = cards === 2 ? `52:54:00:78:02:0${index}` : undefined;
      const smbios = { uuid: `4c4c4544-0051-3010-8053-00000000000${index}`, serial: `RACK-${index}` };
      const consoleFile = join(folder, `${index}.console`);
      const disk = join(folder, `${index}.disk`);
      if (diskGiB !== undefined) {
        await writeFile(disk, "");
        await truncate(disk, diskGiB * gibibyte);
      }
      const powered = createPoweredQemuMachine({
        firmware,
        mac,
        smbios,
        bridge,
        tap: `${bridge}-${index}`,
        memoryMiB,
        cpus,
        ...(secondMac !== undefined && { secondCard: { mac: secondMac, tap: `${bridge}-${index}b` } }),
        ...(diskGiB !== undefined && { disk }),
        consoleFile,
      });
      const controller = await startFakeRedfish({ tls, credentials, machine: powered });
      const said = async () => {
        const text = await readFile(consoleFile, "latin1").catch(() => "");
        // oxlint-disable-next-line no-control-regex -- a terminal's
        return text.replaceAll(/\u001b\[[0-9;=?]*[A-Za-z]/g, "").replaceAll("\r", "");
      };
      const machine: RackMachine = { mac, secondMac, powered, controller, said };
      rackMachines.push(machine);
      return machine;
    },

    async setUp(id, { mac, secondMac, controller }) {
      const url = new URL("/redfish/v1/Systems/1", controller.url).href;
      const power = { driver: "redfish", url, ...credentials, certificateSha256: controller.fingerprint };
      const settings = { power, clusterMac: secondMac ?? mac };
      await requester.send({ method: "PATCH", path: `/v1/machines/${id}`, body: JSON.stringify(settings) });
    },

    async leaseOf(mac) {
      const leases = await readFile(join(dirname(lab.machinesDir), "dhcp/leases"), "utf8");
      return leases
        .split("\n")
        .map((line) => line.split(" "))
        .findLast(([, holder]) => holder === mac)?.[2];
    },

    async close() {
      for (const { powered, controller } of rackMachines) {
        await powered.powerOff();
        await controller.close();
      }
      await lab.close();
      await deleteLink(bridge);
      await rm(folder, { recursive: true });
    },
  };
}
