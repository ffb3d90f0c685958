import type { InstanceIdentity } from "#api/instance-identity.ts";
import type { FakeInstance } from "./fake-ec2-instance.ts";
import type { FakeAccount } from "./fake-ec2-world.ts";
import type { InstanceDocuments } from "./instance-metadata-tree.ts";

/**
 * What EC2's metadata service has for an instance of a VPC without a public address and without a key pair
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html).
 */
export function toInstanceDocuments(
  instance: FakeInstance,
  { account, identity }: { account: FakeAccount; identity: InstanceIdentity },
): InstanceDocuments {
  const { id, accountId, mac, address, userData } = instance;
  const { region } = account;
  const hostname = `ip-${address.replaceAll(".", "-")}.${region}.compute.internal`;
  const [group] = account.groups;
  const subnet = account.subnets.find((each) => each.id === instance.subnetId);
  const network = {
    "device-number": "0",
    "interface-id": `eni-${id.slice(2)}`,
    "local-hostname": hostname,
    "local-ipv4s": address,
    mac,
    "owner-id": accountId,
    "security-group-ids": group?.id,
    "security-groups": "nodes",
    "subnet-id": instance.subnetId,
    "subnet-ipv4-cidr-block": subnet?.cidr,
    "vpc-id": "vpc-1",
    "vpc-ipv4-cidr-block": "172.31.0.0/16",
    "vpc-ipv4-cidr-blocks": "172.31.0.0/16",
  };
  const metadata = {
    "ami-id": instance.imageId,
    "ami-launch-index": String(instance.launchIndex),
    "ami-manifest-path": "(unknown)",
    "block-device-mapping/ami": "/dev/xvda",
    "block-device-mapping/root": "/dev/xvda",
    "events/maintenance/history": "[]",
    "events/maintenance/scheduled": "[]",
    hostname,
    ...(instance.profile !== undefined && toProfile(instance.profile, accountId)),
    "identity-credentials/ec2/info": JSON.stringify({ Code: "Success", AccountId: accountId }),
    "identity-credentials/ec2/security-credentials/ec2-instance": toCredentials(),
    "instance-action": "none",
    "instance-id": id,
    "instance-life-cycle": instance.isSpot ? "spot" : "on-demand",
    "instance-type": instance.instanceType,
    "local-hostname": hostname,
    "local-ipv4": address,
    mac,
    "metrics/vhostmd": '<?xml version="1.0" encoding="UTF-8"?>',
    ...below(`network/interfaces/macs/${mac}`, network),
    "placement/availability-zone": instance.zone,
    "placement/availability-zone-id": "euw1-az1",
    "placement/region": region,
    profile: "default-hvm",
    "reservation-id": instance.reservationId,
    "security-groups": "nodes",
    "services/domain": "amazonaws.com",
    "services/partition": "aws",
    system: "nitro",
  };
  return {
    ...below("meta-data", metadata),
    "dynamic/instance-identity/document": identity.document,
    "dynamic/instance-identity/signature": identity.signature,
    // No code under test checks these two.
    "dynamic/instance-identity/pkcs7": identity.signature,
    "dynamic/instance-identity/rsa2048": identity.signature,
    "user-data": userData === "" ? undefined : userData,
  };
}

const below = (directory: string, files: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text]));

const toProfile = (role: string, accountId: string) => ({
  "iam/info": JSON.stringify({
    Code: "Success",
    LastUpdated: "2026-01-01T00:00:00Z",
    InstanceProfileArn: `arn:aws:iam::${accountId}:instance-profile/${role}`,
    InstanceProfileId: "AIPAEXAMPLE",
  }),
  [`iam/security-credentials/${role}`]: toCredentials(),
});

const toCredentials = () =>
  JSON.stringify({
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: "ASIAEXAMPLE",
    SecretAccessKey: "fake-secret",
    Token: "fake-token",
    Expiration: "2100-01-01T00:00:00Z",
  });
