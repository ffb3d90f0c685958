import {
  DescribeImagesCommand,
  DescribeInstanceTypesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  RunInstancesCommand,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { parseSubnet, type Subnet } from "#lib/subnet.ts";
import type { QueuedClient } from "./ec2-clients.ts";
import { describeEc2Error, ec2ErrorCode } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";
import { installationTag } from "./instance-tags.ts";
import { toLaunchTemplate } from "./run-request.ts";

export interface Ec2Facts {
  subnets: Subnet[];
  groups: SecurityGroup[];
}

/**
 * Checks all settings against EC2: images, subnets, groups and types must exist and fit each other, and a dry run of a
 * launch must be allowed. Returns every problem at once.
 */
export async function checkSettings(
  settings: Ec2Settings,
  ec2: QueuedClient,
): Promise<{ facts: Ec2Facts; problems: string[]; cause?: unknown }> {
  /** Settings that EC2 could not be asked about, by reason: often the same for all. */
  const refusals = new Map<string, string[]>();
  let cause: unknown;
  let asked = 0;
  const attempt = async <T>(what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    asked += 1;
    try {
      return await ec2.queue(ask);
    } catch (error) {
      cause ??= error;
      const reason = describeEc2Error(error);
      refusals.set(reason, [...(refusals.get(reason) ?? []), what]);
      return undefined;
    }
  };
  const { client } = ec2;
  const { images, subnets, securityGroups, instanceTypes } = settings;
  const types = [...new Set([...Object.values(instanceTypes).flat(), ...settings.nodePoolInstanceTypes])];
  const askTypes = { InstanceTypes: types as never[] };
  const [foundImages, foundSubnets, foundGroups, foundTypes] = await Promise.all([
    attempt("--ec2-images", () => client.send(new DescribeImagesCommand({ ImageIds: Object.values(images) }))),
    attempt("--ec2-subnets", () => client.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }))),
    attempt("--ec2-security-groups", () =>
      client.send(new DescribeSecurityGroupsCommand({ GroupIds: [...securityGroups] })),
    ),
    attempt("--ec2-instance-types", () => client.send(new DescribeInstanceTypesCommand(askTypes))),
  ]);
  // A reason that concerns every question, such as credentials, names no setting.
  const problems = Array.from(refusals, ([reason, whats]) =>
    whats.length === asked ? reason : `${whats.join(", ")}: ${reason}`,
  );
  const ownSubnets = foundSubnets?.Subnets ?? [];
  const groups = foundGroups?.SecurityGroups ?? [];
  const bySubnet = new Map(ownSubnets.map((subnet) => [subnet.SubnetId, subnet]));
  const vpcs = new Set([...ownSubnets, ...groups].map(({ VpcId }) => VpcId));
  if (vpcs.size > 1) problems.push(`subnets and security groups are of several VPCs: ${[...vpcs].join(", ")}`);
  const architectures = new Set((foundImages?.Images ?? []).map(({ Architecture }) => Architecture ?? ""));
  for (const { ImageId, State } of foundImages?.Images ?? [])
    if (State !== "available") problems.push(`image ${ImageId} is ${State}`);
  for (const { InstanceType, ProcessorInfo } of foundTypes?.InstanceTypes ?? [])
    for (const architecture of architectures)
      if (!ProcessorInfo?.SupportedArchitectures?.includes(architecture as never))
        problems.push(`instance type ${InstanceType} cannot run an image of ${architecture}`);
  if (problems.length === 0) problems.push(...(await checkLaunch(settings, ec2)));
  const cidrs = subnets.flatMap((id) => bySubnet.get(id)?.CidrBlock ?? []);
  const facts = { subnets: cidrs.map(parseSubnet), groups };
  return { facts, problems, cause };
}

/** Checks permissions and the instance profile by a dry run; EC2 has no other way. */
async function checkLaunch(settings: Ec2Settings, { client, queue }: QueuedClient): Promise<string[]> {
  const [image] = Object.values(settings.images);
  // A policy may allow launches with this tag only.
  const tags = [{ Key: installationTag, Value: settings.installation }];
  const preferred = Object.values(settings.instanceTypes).map(([instanceType = ""]) => instanceType);
  const launches = [...new Set([...preferred, ...settings.nodePoolInstanceTypes])];
  const refusals = launches.map(async (instanceType) => {
    const template = toLaunchTemplate(settings, { image, subnet: settings.subnets[0] ?? "", instanceType, tags });
    try {
      await queue(() => client.send(new RunInstancesCommand({ ...template, MinCount: 1, MaxCount: 1, DryRun: true })));
      return [];
    } catch (error) {
      return ec2ErrorCode(error) === "DryRunOperation" ? [] : [`launching: ${describeEc2Error(error)}`];
    }
  });
  return [...new Set((await Promise.all(refusals)).flat())];
}
