import { Ec2Refusal } from "./fake-ec2-refusal.ts";
import type { Xml } from "./fake-ec2-xml.ts";

export interface FakeSubnet {
  id: string;
  zone: string;
  cidr: string;
}

interface FakeGroup {
  id: string;
  /** Protocol `-1` for all; `from` is a group or a CIDR. */
  inbound: { protocol: string; fromPort?: number; toPort?: number; from: string }[];
}

/** The resources of an account in one region before any launch, all in one VPC. */
export interface FakeAccount {
  accountId: string;
  region: string;
  images: { id: string; architecture: string; state: string }[];
  subnets: FakeSubnet[];
  groups: FakeGroup[];
  types: { name: string; architectures: string[] }[];
  profiles: string[];
}

export const fakeAccount = (): FakeAccount => ({
  accountId: "123456789012",
  region: "eu-west-1",
  images: [{ id: "ami-0a1b2c3d4e5f60718", architecture: "x86_64", state: "available" }],
  subnets: [
    { id: "subnet-0aaaaaaaaaaaaaaaa", zone: "eu-west-1a", cidr: "172.31.0.0/20" },
    { id: "subnet-0bbbbbbbbbbbbbbbb", zone: "eu-west-1b", cidr: "172.31.16.0/20" },
  ],
  groups: [{ id: "sg-0123456789abcdef0", inbound: [{ protocol: "-1", from: "sg-0123456789abcdef0" }] }],
  types: ["m6i.large", "m5.large", "m5a.large"].map((name) => ({ name, architectures: ["x86_64"] })),
  profiles: ["sprout-node"],
});

/** Returns the resources with these ids. Throws Ec2Refusal if one is unknown, like EC2. */
export function pick<T extends { id: string }>(
  all: readonly T[],
  ids: readonly string[],
  { code, what }: { code: string; what: string },
): T[] {
  const missing = ids.filter((id) => !all.some((each) => each.id === id));
  if (missing.length > 0) throw new Ec2Refusal(400, code, `The ${what} ID '${missing.join(", ")}' does not exist`);
  return all.filter(({ id }) => ids.includes(id));
}

export const unknownImage = { code: "InvalidAMIID.NotFound", what: "image" };
export const unknownSubnet = { code: "InvalidSubnetID.NotFound", what: "subnet" };
export const unknownGroup = { code: "InvalidGroup.NotFound", what: "security group" };

export const describeImages = ({ images }: FakeAccount, ids: readonly string[]): Xml => ({
  imagesSet: pick(images, ids, unknownImage).map(({ id, architecture, state }) => ({
    imageId: id,
    imageState: state,
    architecture,
  })),
});

export const describeSubnets = ({ subnets }: FakeAccount, ids: readonly string[]): Xml => ({
  subnetSet: pick(subnets, ids, unknownSubnet).map(({ id, zone, cidr }) => ({
    subnetId: id,
    vpcId: "vpc-1",
    cidrBlock: cidr,
    availabilityZone: zone,
    availableIpAddressCount: 4091,
  })),
});

export const describeSecurityGroups = ({ groups }: FakeAccount, ids: readonly string[]): Xml => ({
  securityGroupInfo: pick(groups, ids, unknownGroup).map(({ id, inbound }) => ({
    groupId: id,
    vpcId: "vpc-1",
    ipPermissions: inbound.map(({ protocol, fromPort, toPort, from }) => ({
      ipProtocol: protocol,
      fromPort,
      toPort,
      groups: from.startsWith("sg-") ? [{ groupId: from }] : [],
      ipRanges: from.startsWith("sg-") ? [] : [{ cidrIp: from }],
    })),
  })),
});

export function describeInstanceTypes({ types }: FakeAccount, names: readonly string[]): Xml {
  const missing = names.filter((name) => !types.some((type) => type.name === name));
  if (missing.length > 0)
    throw new Ec2Refusal(
      400,
      "InvalidInstanceType",
      `The following supplied instance types do not exist: [${missing.join(", ")}]`,
    );
  return {
    instanceTypeSet: types
      .filter(({ name }) => names.includes(name))
      .map(({ name, architectures }) => ({
        instanceType: name,
        processorInfo: { supportedArchitectures: architectures },
      })),
  };
}
