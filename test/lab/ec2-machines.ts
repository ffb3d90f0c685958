import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { run } from "../../metadata-server/run.ts";
import type { FakeEc2Options } from "../fakes/fake-ec2.ts";
import type { FakeInstance } from "../fakes/fake-ec2-instance.ts";
import type { FakeRegion } from "../fixtures/ec2-identity.ts";
import { cacheDir, kubernetesVersion } from "./lab.ts";
import { type MachineImds, startMachineImds } from "./machine-imds.ts";

/** The baked image as an AMI has it: it starts from EC2's user-data and from nothing else. */
export async function createEc2Image(imagesDir: string): Promise<void> {
  const image = join(imagesDir, kubernetesVersion);
  await mkdir(imagesDir, { recursive: true });
  // Links: nothing in an image is written in place.
  await run("cp", ["--archive", "--link", join(cacheDir, "images", kubernetesVersion), image]);
  await mkdir(join(image, "rootfs/etc/sprout"), { recursive: true });
  await writeFile(join(image, "rootfs/etc/sprout/data-source"), "ec2\n");
}

export interface Ec2Machines extends Required<Pick<FakeEc2Options, "onLaunch" | "onTerminate">> {
  /** By instance. */
  services: ReadonlyMap<string, MachineImds>;
  close(): Promise<void>;
}

/** What an instance's machine is called by the nspawn provider. */
export const allocationOf = ({ id }: FakeInstance) => `i${id.slice(-14)}`;
const clusterOf = ({ tags }: FakeInstance) => tags.find(({ Key }) => Key === "sprout:cluster")?.Value ?? "";

/** Real nspawn machines for the instances of a fake EC2, each with a metadata service of its own. One launch a cluster. */
export function createEc2Machines(nspawn: MachineProvider, region: FakeRegion): Ec2Machines {
  const services = new Map<string, MachineImds>();

  const boot = async (instance: FakeInstance, providerData: Record<string, string>) => {
    const { address, mac } = instance;
    const allocation = allocationOf(instance);
    const name = `ip-${address.replaceAll(".", "-")}`;
    const seed = { server: "https://unused.invalid", ca: "unused", capability: "unused" };
    const machine = { clusterId: clusterOf(instance), allocation, name, role: "worker" as const, address, mac };
    await nspawn.launch({ ...machine, kubernetesVersion, providerData, seed }, AbortSignal.timeout(60_000));
    const { document, signature } = region.identityOf(instance);
    const imds = await startMachineImds(
      { namespace: `sprout-${allocation}`, address, hopLimit: instance.hopLimit },
      {
        "user-data": instance.userData,
        "meta-data/ami-launch-index": String(instance.launchIndex),
        "meta-data/instance-id": instance.id,
        "dynamic/instance-identity/document": document,
        "dynamic/instance-identity/signature": signature,
      },
    );
    services.set(instance.id, imds);
  };

  return {
    services,
    async onLaunch(instances) {
      const members = instances.map((instance) => ({
        name: instance.id,
        role: "worker" as const,
        allocation: allocationOf(instance),
      }));
      const segment = await nspawn.reserve({ clusterId: clusterOf(instances[0]!), members });
      for (const [index, instance] of instances.entries()) {
        const { address, mac } = segment.machines[index]!;
        Object.assign(instance, { address, mac });
      }
      // EC2 answers before anything has booted.
      for (const instance of instances) void boot(instance, segment.providerData);
    },
    async onTerminate(instance) {
      await services.get(instance.id)?.close();
      await nspawn.terminate({ clusterId: clusterOf(instance), allocation: allocationOf(instance) });
    },
    async close() {
      await Promise.all(services.values().map((imds) => imds.close()));
    },
  };
}
