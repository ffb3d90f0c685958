import { afterEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Network } from "#api/network.ts";
import { fakeAccount } from "../../../test/fakes/fake-ec2-world.ts";
import { formatSubnet } from "#lib/subnet.ts";
import { createTestEc2, ec2ClusterId, type TestEc2, toMembers } from "../../../test/fixtures/ec2-provider.ts";
import type { Ec2ProviderOptions } from "./ec2-provider.ts";

const clusterId = ec2ClusterId;
const subnets = { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" };

const tcp = (fromPort: number, toPort = fromPort, from = "sg-0123456789abcdef0") => ({
  protocol: "tcp",
  fromPort,
  toPort,
  from,
});

describe("Settings of the EC2 provider", () => {
  let under: TestEc2;
  afterEach(() => under.ec2.close());

  const wrong: [string, Partial<Ec2ProviderOptions>, RegExp][] = [
    [
      "an image that does not exist",
      { images: { [defaultKubernetesVersion]: "ami-00000000000000000" } },
      /--ec2-images: The image ID 'ami-0{17}' does not exist \(InvalidAMIID\.NotFound: an AMI exists in one region, /,
    ],
    [
      "a subnet that does not exist",
      { subnets: ["subnet-00000000000000000"] },
      /--ec2-subnets: The subnet ID 'subnet-0{17}' does not exist \(InvalidSubnetID\.NotFound: /,
    ],
    [
      "a security group that does not exist",
      { securityGroups: ["sg-00000000000000000"] },
      /--ec2-security-groups: .* does not exist \(InvalidGroup\.NotFound: /,
    ],
    [
      "a type that does not exist",
      { instanceTypes: { "control-plane": ["m6i.huge"], worker: ["m6i.large"] } },
      /--ec2-instance-types: The following supplied instance types do not exist: \[m6i\.huge\] \(InvalidInstanceType: /,
    ],
    [
      "an instance profile that does not exist",
      { instanceProfile: "admin" },
      /launching: Value \(admin\) for parameter iamInstanceProfile\.name is invalid/,
    ],
    [
      "a secret access key that is wrong",
      { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wrong" } },
      /AWS does not accept the secret access key; check the credentials \(SignatureDoesNotMatch\)/,
    ],
    [
      "an access key that does not exist",
      { credentials: { accessKeyId: "AKIDNOBODY", secretAccessKey: "wrong" } },
      /: AWS does not accept the credentials; check them, this host's clock, and that .* enabled \(AuthFailure\)$/,
    ],
    [
      "no credentials",
      {
        credentials: async () => {
          throw Object.assign(new Error("Could not load credentials from any providers"), {
            name: "CredentialsProviderError",
          });
        },
      },
      /^Cannot use provider ec2: no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or /,
    ],
    [
      "a login that has expired",
      {
        credentials: async () => {
          throw Object.assign(new Error("Token is expired. To refresh this SSO session run 'aws sso login'"), {
            name: "CredentialsProviderError",
          });
        },
      },
      /^Cannot use provider ec2: Token is expired\. To refresh this SSO session run 'aws sso login' \(Creden[a-zA-Z]*\)$/,
    ],
    [
      "another region than the endpoint's",
      { region: "eu-mars-1" },
      /^Cannot use provider ec2: the endpoint is another region's; check --ec2-region and --ec2-endpoint \(Signature/,
    ],
    [
      "a region that does not exist",
      { region: "eu-mars-1", endpoint: "http://ec2.eu-mars-1.invalid" },
      /^Cannot use provider ec2: there is no such endpoint; check --ec2-region and --ec2-endpoint \(.*ENOTFOUND/,
    ],
    ["an endpoint without a listener", { endpoint: "http://127.0.0.1:1" }, /ECONNREFUSED/],
  ];
  it.each(wrong)("refuses %s, before anything is launched", async (_, changes, reason) => {
    under = await createTestEc2({}, changes);
    const reserved = under.provider.reserve({ clusterId, members: toMembers("control-plane") });
    await expect(reserved).rejects.toMatchObject({
      code: "provider-unusable",
      message: expect.stringMatching(reason) as string,
    });
    expect(under.ec2.instances).toEqual([]);
  });

  it("reports every problem at once", async () => {
    under = await createTestEc2({}, { images: { [defaultKubernetesVersion]: "ami-1" }, subnets: ["subnet-1"] });
    await expect(under.provider.check()).rejects.toThrow(
      /^Cannot use provider ec2: (?=.*images: .*\(InvalidAMIID\.NotFound: )(?=.*subnets: .*\(InvalidSubnetID\.NotFound: )/,
    );
  });

  it("reports a reason that concerns every setting once", async () => {
    under = await createTestEc2({}, { credentials: { accessKeyId: "AKIDNOBODY", secretAccessKey: "wrong" } });
    await expect(under.provider.check()).rejects.toThrow(/^Cannot use provider ec2: AWS [^:]*$/);
  });

  it("refuses expired credentials", async () => {
    under = await createTestEc2();
    const fault = { kind: "refuse" as const, status: 400, code: "RequestExpired" };
    under.ec2.faults.set("DescribeImages", [fault]);
    await expect(under.provider.check()).rejects.toThrow("renew the credentials, set the clock (RequestExpired)");
  });

  it("refuses an image of another architecture, or one that is not ready", async () => {
    const account = fakeAccount();
    account.images[0] = { ...account.images[0]!, architecture: "arm64", state: "pending" };
    under = await createTestEc2({ account });
    await expect(under.provider.check()).rejects.toThrow(
      "image ami-0a1b2c3d4e5f60718 is pending; instance type m6i.large cannot run an image of arm64",
    );
  });

  it("asks EC2 once for clusters that are created at the same time", async () => {
    under = await createTestEc2();
    const reserve = () => under.provider.reserve({ clusterId, members: toMembers("control-plane") });
    await Promise.all([reserve(), reserve(), reserve()]);
    await reserve();
    expect(under.ec2.callCount("DescribeImages")).toBe(1);
  });

  it("returns the machines' subnets with a segment, so that pods can have other addresses", async () => {
    under = await createTestEc2();
    const segment = await under.provider.reserve({ clusterId, members: toMembers("control-plane") });
    expect(segment.subnets?.map(formatSubnet)).toEqual(["172.31.0.0/20", "172.31.16.0/20"]);
  });

  const flannel: Network = { plugin: "manifest", ports: ["8472/udp"], ...subnets };
  const routes: Network = { plugin: "routes", ...subnets };
  const groups: [string, ReturnType<typeof fakeAccount>["groups"][number]["inbound"], Network, string | null][] = [
    ["everything from the group itself", [{ protocol: "-1", from: "sg-0123456789abcdef0" }], routes, null],
    ["everything from the VPC", [{ protocol: "-1", from: "172.31.0.0/16" }], routes, null],
    ["everything from one of two subnets", [{ protocol: "-1", from: "172.31.0.0/20" }], routes, "all"],
    ["all TCP ports, but pods use any protocol", [tcp(0, 65_535)], routes, "all"],
    ["only the API server's port", [tcp(6443)], flannel, "10250/tcp, 2379/tcp, 2380/tcp, 8472/udp"],
    ["all TCP but no UDP", [tcp(0, 65_535)], flannel, "8472/udp"],
    [
      "every port that the plugin needs",
      [tcp(2379, 2380), tcp(6443), tcp(10_250), { ...tcp(8472), protocol: "udp" }],
      flannel,
      null,
    ],
    ["all from another group", [{ protocol: "-1", from: "sg-0eeeeeeeeeeeeeeee" }], routes, "all"],
  ];
  it.each(groups)("finds the closed ports of security groups that open %s", async (_, inbound, network, closed) => {
    const account = fakeAccount();
    account.groups[0]!.inbound = inbound;
    under = await createTestEc2({ account });
    const members = toMembers("control-plane", "control-plane", "control-plane", "worker");
    const outcome = await under.provider.reserve({ clusterId, members, network }).then(
      () => null,
      (error: Error) => error.message,
    );
    const refused = `Cannot use provider ec2: security groups sg-0123456789abcdef0 block traffic between nodes on ${closed}; add an inbound rule with the group itself as its source`;
    expect(outcome).toBe(closed === null ? null : refused);
  });
});
