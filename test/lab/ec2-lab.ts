import { createEc2Provider } from "../../metadata-server/providers/ec2/ec2-provider.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { type FakeEc2, startFakeEc2 } from "../fakes/fake-ec2.ts";
import { documentedRates } from "../fakes/fake-ec2-throttle.ts";
import { fakeAccount } from "../fakes/fake-ec2-world.ts";
import { createFakeRegion, type FakeRegion } from "../fixtures/ec2-identity.ts";
import { createEc2Machines, type Ec2Machines } from "./ec2-machines.ts";
import { kubernetesVersion, startLab, type Lab } from "./lab.ts";

export interface Ec2Lab {
  lab: Lab;
  ec2: FakeEc2;
  machines: Ec2Machines;
  region: FakeRegion;
  close(): Promise<void>;
}

export interface Ec2LabOptions {
  imagesDir: string;
  /** Number of launched instances. */
  instances: number;
  /** How long EC2 omits a launched instance from its answers. */
  consistencyMs: number;
  /** Wraps nspawn for EC2's instances. */
  wrap?: (nspawn: MachineProvider) => MachineProvider;
}

/** A server with the EC2 provider: the real SDK and a fake endpoint; the instances are real nspawn machines. */
export async function startEc2Lab({ imagesDir, instances, consistencyMs, wrap }: Ec2LabOptions): Promise<Ec2Lab> {
  const region = createFakeRegion();
  const account = fakeAccount();
  const opened = Promise.withResolvers<{ ec2: FakeEc2; machines: Ec2Machines }>();
  const lab = await startLab(
    async (nspawn, { nspawnServerAddress, port }) => {
      const machines = createEc2Machines(wrap?.(nspawn) ?? nspawn, region, { account, spares: instances });
      const ec2 = await startFakeEc2({ ...machines, account, rates: documentedRates, consistencyMs });
      opened.resolve({ ec2, machines });
      return createEc2Provider({
        region: account.region,
        endpoint: ec2.url,
        credentials: ec2.credentials,
        nodePoolInstanceTypes: [],
        images: { [kubernetesVersion]: account.images[0]!.id },
        subnets: account.subnets.map(({ id }) => id),
        securityGroups: account.groups.map(({ id }) => id),
        instanceTypes: { "control-plane": ["m6i.large"], worker: ["m6i.large"] },
        instanceProfile: "sprout-node",
        spot: true,
        identityCertificates: [region.certificate],
        serverUrl: `https://${nspawnServerAddress}:${port}`,
        installation: "0123456789abcdef",
      });
    },
    { imagesDir },
  );
  const { ec2, machines } = await opened.promise;
  return {
    lab,
    ec2,
    machines,
    region,
    async close() {
      await machines.close();
      await lab.close();
      await ec2.close();
    },
  };
}
