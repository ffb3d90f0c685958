import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { exists, listFolder } from "#lib/files.ts";
import { imageFolder, imageNamesOf, imagePaths, type ImagePaths, listImages, versionsOf } from "#lib/image-folder.ts";
import type { Subnet } from "#lib/subnet.ts";
import { toServerUrl } from "#lib/server-url.ts";
import { DomainError } from "../../errors.ts";
import type { LaunchedMachine } from "../../store/records.ts";
import type { MachineProvider, MachineSpec, SurveyedMachine } from "../provider.ts";
import { cgroupProcesses } from "./cgroups.ts";
import {
  consoleFile,
  createMachineFolder,
  readNspawnRecord,
  recordFile,
  removeMachineFolder,
  type NspawnRecord,
} from "./machine-folder.ts";
import { createThawing } from "./frozen-cgroups.ts";
import { createNetwork, deleteNetwork } from "./network-namespace.ts";
import {
  listBridges,
  planMachines,
  planVirtualAddress,
  releaseBridge,
  reserveBridge,
  serverAddress,
} from "./segment.ts";
import { planCgroups, startMachine, stopMachine } from "./supervisor.ts";

interface NspawnOptions {
  /** Baked images, one folder for each Kubernetes version. */
  imagesDir: string;
  /** One folder for each running machine. Its path also distinguishes two servers on one host. */
  machinesDir: string;
  /** The /16 that clusters' segments are cut from. */
  network: Subnet;
  /** Port of the metadata server. */
  serverPort: number;
}

/** Launches machines as systemd-nspawn containers on this host: own systemd, network and root, shared kernel. */
export function createNspawnProvider(options: NspawnOptions): MachineProvider {
  const owner = shortHash(options.machinesDir);
  const place = `${readHostId()}-${owner}`;
  const { network } = options;
  const folderOf = (allocation: string) => join(options.machinesDir, allocation);
  const thawStuck = createThawing();

  return {
    name: "nspawn",
    place,
    provisionAllowanceMs: 30_000,
    surveyIntervalMs: 5000,
    virtualAddresses: "planned",

    kubernetesVersions: async () => versionsOf(await listImages(options.imagesDir)),
    imageNames: async (kubernetesVersion) => imageNamesOf(await listImages(options.imagesDir), kubernetesVersion),

    async reserve({ clusterId, members, present }) {
      const bridge = await reserveBridge(clusterId, { network, owner });
      try {
        return {
          machines: planMachines(members, { bridge: bridge.name, present, network }),
          virtualAddress: planVirtualAddress({ bridge: bridge.name, network }),
          serverUrl: toServerUrl(serverAddress(network), options.serverPort),
          providerData: { bridge: bridge.name, place },
        };
      } catch (error) {
        if (present === undefined) await releaseBridge(clusterId, owner);
        throw error;
      }
    },

    async launch(spec, signal) {
      const folder = folderOf(spec.allocation);
      const existing = await readNspawnRecord(folder);
      if (existing && (await isRunning(existing))) return toLaunched(existing);
      if (existing) await terminate(folder, existing);
      return launchMachine(folder, {
        spec,
        image: imagePaths(join(options.imagesDir, imageFolderOf(spec))),
        signal,
      });
    },

    async terminate({ allocation }) {
      const folder = folderOf(allocation);
      const record = await readNspawnRecord(folder);
      if (record) await terminate(folder, record);
      else await removeMachineFolder(folder);
    },

    release: (clusterId) => releaseBridge(clusterId, owner),

    async list() {
      const bridges = await listBridges(owner);
      const machines = await readRecords(options.machinesDir);
      return [
        ...machines.map(({ clusterId, allocation }) => ({ clusterId, allocation })),
        ...bridges.map(({ clusterId }) => ({ clusterId, allocation: "" })),
      ];
    },

    async survey() {
      const records = await readRecords(options.machinesDir);
      await thawStuck(records.flatMap(({ cgroups }) => cgroups));
      const surveyed = await Promise.all(records.map((record) => surveyMachine(folderOf(record.allocation), record)));
      return surveyed.filter((machine) => machine !== undefined);
    },
  };
}

const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);

/** Stays the same when the host gets another name. It is a hash: https://www.freedesktop.org/software/systemd/man/latest/machine-id.html */
function readHostId(): string {
  try {
    return shortHash(readFileSync("/etc/machine-id", "utf8").trim());
  } catch {
    return shortHash(hostname());
  }
}

const machineName = (allocation: string) => `sprout-${allocation}`;

const imageFolderOf = ({ kubernetesVersion, image }: MachineSpec) => imageFolder({ kubernetesVersion, name: image });

async function launchMachine(folder: string, options: { spec: MachineSpec; image: ImagePaths; signal: AbortSignal }) {
  const { spec, image, signal } = options;
  const bridge = spec.providerData["bridge"];
  if (!spec.address || !spec.mac || !bridge)
    throw new Error(`Cannot launch ${spec.name}: the nspawn provider needs an address, a MAC and a bridge`);
  if (!(await exists(image.manifest)))
    throw new DomainError(
      "no-image",
      `Cannot launch ${spec.name}: there is no image ${imageFolderOf(spec)}; make one with: sprout image bake`,
    );
  const machine = machineName(spec.allocation);
  const record: NspawnRecord = {
    clusterId: spec.clusterId,
    allocation: spec.allocation,
    name: spec.name,
    address: spec.address,
    mac: spec.mac,
    bridge,
    cgroups: await planCgroups(machine),
  };
  // Awaits both even if one fails, so that nothing runs in parallel with the cleanup.
  const prepared = await Promise.allSettled([
    createMachineFolder(folder, { spec, record, image, signal }),
    createNetwork({ namespace: machine, bridge, address: spec.address, mac: spec.mac }, signal),
  ]);
  for (const outcome of prepared) if (outcome.status === "rejected") throw outcome.reason;
  await startMachine(folder, { machine, cgroups: record.cgroups, signal });
  return toLaunched(record);
}

const toLaunched = ({ allocation, address, mac }: NspawnRecord): LaunchedMachine => ({
  id: machineName(allocation),
  address,
  mac,
  description: "a container of this host",
  identity: {},
});

const isRunning = async (record: NspawnRecord) =>
  (await Promise.all(record.cgroups.map(cgroupProcesses))).some((pids) => pids.length > 0);

async function terminate(folder: string, record: NspawnRecord) {
  const machine = machineName(record.allocation);
  await stopMachine(machine, record.cgroups);
  await deleteNetwork({ namespace: machine, bridge: record.bridge, address: record.address });
  await removeMachineFolder(folder);
}

async function readRecords(machinesDir: string): Promise<NspawnRecord[]> {
  const names = await listFolder(machinesDir);
  const records = await Promise.all(names.map((name) => readNspawnRecord(join(machinesDir, name))));
  return records.filter((record) => record !== undefined);
}

/** A machine without a process has ended: one that reboots keeps its supervisor. Undefined once it is removed. */
async function surveyMachine(folder: string, record: NspawnRecord): Promise<SurveyedMachine | undefined> {
  const [isAlive, created] = await Promise.all([isRunning(record), stat(recordFile(folder)).catch(() => undefined)]);
  if (created === undefined) return undefined;
  return {
    clusterId: record.clusterId,
    allocation: record.allocation,
    id: machineName(record.allocation),
    kind: "container",
    place: hostname(),
    since: created.mtime.toISOString(),
    ...(isAlive
      ? { state: "running" }
      : { state: "ended", ended: `it no longer has a process; ${consoleFile(folder)} is its console` }),
  };
}
