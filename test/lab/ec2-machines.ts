import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { run } from "#lib/run.ts";
import type { FakeEc2Options } from "../fakes/fake-ec2.ts";
import { toInstanceDocuments } from "../fakes/fake-ec2-instance-documents.ts";
import type { FakeInstance } from "../fakes/fake-ec2-instance.ts";
import { type FakeAccount, fakeAccount } from "../fakes/fake-ec2-world.ts";
import type { FakeRegion } from "../fixtures/ec2-identity.ts";
import { cacheDir, kubernetesVersion } from "./lab.ts";
import { type MachineImds, startSpareImds } from "./machine-imds.ts";

/** The baked image as an AMI without cloud-init: it starts from EC2's user-data alone. */
export async function createEc2Image(imagesDir: string): Promise<void> {
  const image = join(imagesDir, kubernetesVersion);
  await mkdir(imagesDir, { recursive: true });
  // Hard links suffice: no program writes to an image's files in place.
  await run("cp", ["--archive", "--link", join(cacheDir, "images", kubernetesVersion), image]);
  await writeFile(join(image, "rootfs/etc/sprout/data-source"), "ec2\n");
}

export interface Ec2Machines extends Required<Pick<FakeEc2Options, "onLaunch" | "onTerminate">> {
  /** By instance id. */
  services: ReadonlyMap<string, MachineImds>;
  close(): Promise<void>;
}

export interface Ec2MachinesOptions {
  account?: FakeAccount;
  /** Metadata services started ahead, as on a hypervisor: one started with its instance would be late. */
  spares?: number;
}

/** An instance's machine name in the nspawn provider. */
export const allocationOf = ({ id }: FakeInstance) => `i${id.slice(-14)}`;
const clusterOf = ({ tags }: FakeInstance) => tags.find(({ Key }) => Key === "sprout:cluster")?.Value ?? "";

/** Real nspawn machines for the instances of a fake EC2, each with its own metadata service. One launch per cluster. */
export function createEc2Machines(
  nspawn: MachineProvider,
  region: FakeRegion,
  options: Ec2MachinesOptions = {},
): Ec2Machines {
  const { account = fakeAccount() } = options;
  const services = new Map<string, MachineImds>();
  const spares = Array.from({ length: options.spares ?? 0 }, startSpareImds);

  const boot = async (instance: FakeInstance, providerData: Record<string, string>) => {
    const { address, mac, hopLimit } = instance;
    const allocation = allocationOf(instance);
    const name = `ip-${address.replaceAll(".", "-")}`;
    const seed = { server: "https://unused.invalid", ca: "unused", capability: "unused" };
    const machine = { clusterId: clusterOf(instance), allocation, name, role: "worker" as const, address, mac };
    await nspawn.launch({ ...machine, kubernetesVersion, providerData, seed }, AbortSignal.timeout(60_000));
    const documents = toInstanceDocuments(instance, { account, identity: region.identityOf(instance) });
    const spare = await (spares.pop() ?? startSpareImds());
    services.set(instance.id, await spare.serve({ namespace: `sprout-${allocation}`, address, hopLimit }, documents));
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
      // EC2 answers before the machine boots.
      for (const instance of instances) void boot(instance, segment.providerData);
    },
    async onTerminate(instance) {
      await services.get(instance.id)?.close();
      await nspawn.terminate({ clusterId: clusterOf(instance), allocation: allocationOf(instance) });
    },
    async close() {
      await Promise.all([...(await Promise.all(spares)), ...services.values()].map((imds) => imds.close()));
    },
  };
}
