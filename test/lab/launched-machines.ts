import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Role } from "#api/name.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { InstanceMetadataRequest } from "../fakes/fake-instance-metadata.ts";
import { createLabFolder, machineNetwork } from "./lab-folders.ts";
import { cacheDir, kubernetesVersion } from "./lab.ts";
import { execInMachine, type ExecResult } from "./machine-exec.ts";
import { type MachineImds, startSpareImds } from "./machine-imds.ts";
import { readConsole } from "./console.ts";

export interface LaunchedMachine {
  name: string;
  role: Role;
  /** Files on its disk in addition to the image, by path: user-data, keys. */
  files: Record<string, string>;
  /** User-data from its own instance metadata service. */
  instanceUserData?: string;
  /** A name without a machine. */
  isAbsent?: boolean;
}

export interface LaunchedMachines {
  exec(name: string, argv: readonly string[]): Promise<ExecResult>;
  console(name: string): Promise<string>;
  /** Requests to its instance metadata service, in order. */
  instanceRequests(name: string): InstanceMetadataRequest[];
  close(): Promise<void>;
}

export interface LaunchOptions {
  clusterId: string;
  machines: readonly LaunchedMachine[];
  /** Further names of the first machine. */
  domains: readonly string[];
  signal: AbortSignal;
}

const imagesDir = join(cacheDir, "images");
/** An image for EC2. */
const forEc2 = { "etc/sprout/data-source": "ec2\n" };
const firstProgram = "usr/lib/sprout/nspawn-init";

/** Machines of the baked image as another platform launches them: no server, no seed, names that resolve. */
export async function launchMachines({
  clusterId,
  machines,
  domains,
  signal,
}: LaunchOptions): Promise<LaunchedMachines> {
  const folder = await createLabFolder();
  const machinesDir = join(folder, "machines");
  const provider = createNspawnProvider({ imagesDir, machinesDir, network: machineNetwork, serverPort: 9 });
  const members = machines.map(({ name, role }, index) => ({ name, role, allocation: allocationOf(index) }));
  const refOf = (name: string) => ({
    machinesDir,
    allocation: allocationOf(machines.findIndex((machine) => machine.name === name)),
  });
  const services = new Map<string, MachineImds>();
  const close = async () => {
    await Promise.all([...services.values()].map((service) => service.close()));
    for (const { allocation } of members) await provider.terminate({ clusterId, allocation });
    await provider.release(clusterId);
    await rm(folder, { recursive: true });
  };
  try {
    const { machines: planned, providerData } = await provider.reserve({ clusterId, members });
    const hosts = [
      ...planned.map(({ name, address }) => `${address} ${name}`),
      ...domains.map((domain) => `${planned[0]?.address} ${domain}`),
    ];
    const launch = machines.map(async ({ name, files, instanceUserData, isAbsent }, index) => {
      const { allocation } = members[index]!;
      if (isAbsent) return;
      await prepareDisk(join(machinesDir, allocation, "upper"), {
        files: { ...files, ...(instanceUserData === undefined ? {} : forEc2) },
        hosts,
      });
      const seed = { server: "https://192.0.2.1", ca: "none", capability: "none" };
      await provider.launch(
        { ...planned[index]!, clusterId, allocation, kubernetesVersion, providerData, seed },
        signal,
      );
      if (instanceUserData === undefined) return;
      const machine = { namespace: `sprout-${allocation}`, address: planned[index]!.address ?? "", hopLimit: 1 };
      const documents = { "user-data": instanceUserData, "meta-data/instance-id": `i-${allocation}` };
      services.set(name, await (await startSpareImds()).serve(machine, documents));
    });
    await Promise.all(launch);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    exec: (name, argv) => execInMachine(refOf(name), argv),
    console: (name) => readConsole(refOf(name)),
    instanceRequests: (name) => services.get(name)?.requests ?? [],
    close,
  };
}

const allocationOf = (index: number) => `a-launched${"abcdefgh"[index]?.repeat(8)}`;

/** The upper layer of the machine's root file system, before the machine exists. */
async function prepareDisk(upper: string, { files, hosts }: { files: Record<string, string>; hosts: string[] }) {
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await writeFile(join(upper, path), text, { mode: 0o600 });
  };
  await write("usr/lib/sprout/lab-hosts", `${hosts.join("\n")}\n`);
  await copyFile(join(import.meta.dirname, "user-data-init.sh"), join(upper, firstProgram));
  await copyFile(join(imagesDir, kubernetesVersion, "rootfs", firstProgram), join(upper, `${firstProgram}.baked`));
  for (const [path, text] of Object.entries(files)) await write(path, text);
}
