import { createHash } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "../../errors.ts";
import type { MachineProvider, MachineSpec, RunningMachine } from "../provider.ts";
import { cgroupProcesses } from "./cgroups.ts";
import { createMachineFolder, readMachineRecord, removeMachineFolder, type MachineRecord } from "./machine-folder.ts";
import { createNetwork, deleteNetwork } from "./network-namespace.ts";
import { listBridges, planMachines, releaseBridge, reserveBridge, serverAddress } from "./segment.ts";
import { planCgroups, startMachine, stopMachine } from "./supervisor.ts";

export interface NspawnOptions {
  /** Baked images, one folder for each Kubernetes version. */
  imagesDir: string;
  /** One folder for each running machine; also tells this server's machines from another's on the same host. */
  machinesDir: string;
  /** First two octets of the /16 that clusters' segments are cut from. */
  networkPrefix: string;
  /** Where the metadata server listens. */
  serverPort: number;
}

/** Machines as systemd-nspawn containers on the server's own host: systemd, network and root of their own, one kernel. */
export function createNspawnProvider(options: NspawnOptions): MachineProvider {
  const owner = createHash("sha256").update(options.machinesDir).digest("hex").slice(0, 8);
  const { networkPrefix: prefix } = options;
  const folderOf = (allocation: string) => join(options.machinesDir, allocation);

  return {
    name: "nspawn",
    provisionAllowanceMs: 30_000,

    kubernetesVersions: () => listImages(options.imagesDir),

    async reserve({ clusterId, members }) {
      const bridge = await reserveBridge(clusterId, { prefix, owner });
      try {
        return {
          machines: planMachines(bridge.name, members, prefix),
          serverUrl: `https://${serverAddress(prefix)}:${options.serverPort}`,
          providerData: { bridge: bridge.name },
        };
      } catch (error) {
        await releaseBridge(clusterId, owner);
        throw error;
      }
    },

    async launch(spec, signal) {
      const folder = folderOf(spec.allocation);
      const existing = await readMachineRecord(folder);
      if (existing && (await isRunning(existing))) return;
      if (existing) await terminate(folder, existing);
      await launchMachine(folder, { spec, image: join(options.imagesDir, spec.kubernetesVersion), signal });
    },

    async terminate({ allocation }) {
      const folder = folderOf(allocation);
      const record = await readMachineRecord(folder);
      if (record) await terminate(folder, record);
      else await removeMachineFolder(folder);
    },

    release: (clusterId) => releaseBridge(clusterId, owner),

    async list() {
      const bridges = await listBridges(owner);
      const machines = await listMachines(options.machinesDir);
      return [...machines, ...bridges.map(({ clusterId }) => ({ clusterId, allocation: "" }))];
    },
  };
}

const machineName = (allocation: string) => `sprout-${allocation}`;

async function launchMachine(folder: string, options: { spec: MachineSpec; image: string; signal: AbortSignal }) {
  const { spec, image, signal } = options;
  const bridge = spec.providerData["bridge"];
  if (!spec.address || !spec.mac || !bridge)
    throw new Error(`Cannot launch ${spec.name}: the nspawn provider needs an address, a MAC and a bridge`);
  await access(join(image, "manifest.json")).catch(() => {
    throw new DomainError(
      "no-image",
      `Cannot launch ${spec.name}: there is no image for ${spec.kubernetesVersion}; make one with: sprout image bake`,
    );
  });
  const machine = machineName(spec.allocation);
  const record: MachineRecord = {
    clusterId: spec.clusterId,
    allocation: spec.allocation,
    name: spec.name,
    address: spec.address,
    mac: spec.mac,
    bridge,
    cgroups: await planCgroups(machine),
  };
  // Both are waited for even where one fails, so that whoever cleans up afterwards has no rival.
  const prepared = await Promise.allSettled([
    createMachineFolder(folder, { spec, record, image, signal }),
    createNetwork({ namespace: machine, bridge, address: spec.address, mac: spec.mac }, signal),
  ]);
  for (const outcome of prepared) if (outcome.status === "rejected") throw outcome.reason;
  await startMachine(folder, { machine, cgroups: record.cgroups, signal });
}

const isRunning = async (record: MachineRecord) =>
  (await Promise.all(record.cgroups.map(cgroupProcesses))).some((pids) => pids.length > 0);

async function terminate(folder: string, record: MachineRecord) {
  const machine = machineName(record.allocation);
  await stopMachine(machine, record.cgroups);
  await deleteNetwork({ namespace: machine, bridge: record.bridge, address: record.address });
  await removeMachineFolder(folder);
}

async function listMachines(machinesDir: string): Promise<RunningMachine[]> {
  const names = await readdir(machinesDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const records = await Promise.all(names.map((name) => readMachineRecord(join(machinesDir, name))));
  return records
    .filter((record) => record !== undefined)
    .map(({ clusterId, allocation }) => ({ clusterId, allocation }));
}

async function listImages(imagesDir: string): Promise<string[]> {
  const names = await readdir(imagesDir).catch(() => []);
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return names.filter((name) => /^v\d+\.\d+\.\d+$/.test(name)).toSorted((a, b) => compare(b, a));
}
