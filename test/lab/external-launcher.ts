import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "#api/cluster.ts";
import type { MachineProvider, PlannedMachine } from "../../metadata-server/providers/provider.ts";
import { ensureCloudInitImage } from "./cloud-init-image.ts";
import { kubernetesVersion } from "./lab.ts";

const firstProgram = join(import.meta.dirname, "external-init.sh");
/** Configuration of an image with a configured network, which looks for no data source but a disk. */
const cloudInitSettings = { network: { config: "disabled" }, datasource_list: ["NoCloud", "None"], locale: "C.UTF-8" };

/** A folder of images with the baked one plus Debian's cloud-init. */
export const ensureExternalImage = ({ signal }: { signal: AbortSignal }): Promise<string> =>
  ensureCloudInitImage({
    name: "external",
    packages: ["cloud-init"],
    inputs: [import.meta.filename, firstProgram],
    finish: async (rootfs) => {
      await writeFile(join(rootfs, "etc/cloud/cloud.cfg.d/99-lab.cfg"), JSON.stringify(cloudInitSettings));
      const init = join(rootfs, "usr/lib/sprout/nspawn-init");
      await rename(init, `${init}.baked`);
      await copyFile(firstProgram, init);
    },
    signal,
  });

/** User-data for a machine. */
type MachineUserData = { seed: string } | { cloudConfig: string };

export interface ExternalLauncher {
  /** In the order of the cluster's members. */
  machines: readonly PlannedMachine[];
  launch(name: string, userData: MachineUserData): Promise<void>;
}

/** A member's machine name in nspawn. */
export const allocationOf = (name: string) => `m-${name.split(".")[0]}`;

/** Nspawn machines as an operator launches them: under other names, without the server's knowledge. */
export async function openExternalLauncher(
  nspawn: MachineProvider,
  { machinesDir, cluster }: { machinesDir: string; cluster: Cluster },
): Promise<ExternalLauncher> {
  const clusterId = "c-ofsomebodyelse";
  const members = cluster.members.map(({ name, role }) => ({ name, role, allocation: allocationOf(name) }));
  const { machines, providerData } = await nspawn.reserve({ clusterId, members });
  return {
    machines,
    async launch(name, userData) {
      const allocation = allocationOf(name);
      const seed = "seed" in userData ? (JSON.parse(userData.seed) as Seed) : unusedSeed;
      if ("cloudConfig" in userData) await writeNoCloud(join(machinesDir, allocation, "upper"), userData.cloudConfig);
      const machine = machines.find((planned) => planned.name === name)!;
      const spec = { ...machine, clusterId, allocation, kubernetesVersion, providerData, seed };
      await nspawn.launch(spec, AbortSignal.timeout(60_000));
    },
  };
}

type Seed = Parameters<MachineProvider["launch"]>[0]["seed"];
const unusedSeed: Seed = { server: "https://192.0.2.1", ca: "none", capability: "none" };

/** In the upper layer of the machine's root file system, like a disk with the label `cidata`. */
async function writeNoCloud(upper: string, userData: string): Promise<void> {
  const folder = join(upper, "var/lib/cloud/seed/nocloud");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "meta-data"), "instance-id: operators-own\n");
  await writeFile(join(folder, "user-data"), userData, { mode: 0o600 });
}
