import { afterEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { fakeAccount } from "../../../test/fakes/fake-ec2-world.ts";
import { createTestEc2, ec2ClusterId, type TestEc2, toMembers, toSpecs } from "../../../test/fixtures/ec2-provider.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

const account = fakeAccount();
const [plain] = account.images as [(typeof account.images)[number]];
const gpu = { ...plain, id: "ami-0fffffffffffffff0" };
const images = { [defaultKubernetesVersion]: plain.id, [`${defaultKubernetesVersion}-gpu`]: gpu.id };

describe("createEc2Provider with node pools", () => {
  let under: TestEc2;
  afterEach(() => under.ec2.close());

  it("launches each pool with its own AMI and instance types, with one request each", async () => {
    under = await createTestEc2({}, { images, nodePoolInstanceTypes: ["m5a.large"] });
    under.ec2.account.images.push(gpu);
    const members = toMembers("control-plane", "worker", "worker", "worker");
    const segment = await under.provider.reserve({ clusterId: ec2ClusterId, members });
    const specs = toSpecs(segment, members).map((spec, index) =>
      index < 2 ? spec : { ...spec, image: "gpu", instanceTypes: ["m5a.large"] },
    );
    await Promise.all(specs.map((spec) => under.provider.launch(spec, patientSignal())));
    const launches = under.ec2.calls.filter(({ action, form }) => action === "RunInstances" && !form.has("DryRun"));
    expect(launches.map(({ form }) => ["ImageId", "InstanceType", "MinCount"].map((field) => form.get(field)))).toEqual(
      [
        [plain.id, "m6i.large", "2"],
        [gpu.id, "m5a.large", "2"],
      ],
    );
  });

  it("offers the named images of a version, and the types of workers and of node pools", async () => {
    under = await createTestEc2({}, { images, nodePoolInstanceTypes: ["m5a.large"] });
    const { provider } = under;
    expect(await provider.kubernetesVersions()).toEqual([defaultKubernetesVersion]);
    expect(await provider.imageNames?.(defaultKubernetesVersion)).toEqual(["gpu"]);
    expect(provider.nodePoolInstanceTypes).toEqual(["m6i.large", "m5.large", "m5a.large"]);
  });

  it("checks the images and types of node pools with the others", async () => {
    under = await createTestEc2({}, { images, nodePoolInstanceTypes: ["g9.large"] });
    await expect(under.provider.check()).rejects.toThrow(
      /(?=.*--ec2-images: .*ami-0fffffffffffffff0)(?=.*--ec2-instance-types.*g9\.large)/,
    );
  });
});
