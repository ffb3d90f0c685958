import type { RunInstancesCommandInput, Tag } from "@aws-sdk/client-ec2";
import { imageFolder } from "#lib/image-folder.ts";
import type { MachineSpec } from "../provider.ts";
import type { Ec2Settings } from "./ec2-settings.ts";
import { toTags } from "./instance-tags.ts";
import { renderUserData } from "./user-data.ts";

export interface RunOptions {
  specs: readonly MachineSpec[];
  subnet: string;
  instanceType: string;
  clientToken: string;
}

/** Asks for all instances or none. Overrides the image: metadata requires a token and reaches no pod. */
export function toRunRequest(settings: Ec2Settings, options: RunOptions): RunInstancesCommandInput {
  const { specs, subnet, instanceType, clientToken } = options;
  const [{ clusterId, kubernetesVersion, image, name, providerData }] = specs as [MachineSpec];
  const tags = toTags({
    installation: settings.installation,
    clusterId,
    name: name.slice(name.indexOf(".") + 1),
    routes: providerData["network"] === "routes",
    allocations: specs.map(({ allocation }) => allocation),
  });
  return {
    ...toLaunchTemplate(settings, {
      image: settings.images[imageFolder({ kubernetesVersion, name: image })],
      subnet,
      instanceType,
      tags,
    }),
    ClientToken: clientToken,
    MinCount: specs.length,
    MaxCount: specs.length,
    UserData: renderUserData(specs.map(({ seed }) => seed)),
  };
}

/** The part that is the same for every cluster; a dry run of it shows whether EC2 would launch. */
export function toLaunchTemplate(
  settings: Ec2Settings,
  {
    image,
    subnet,
    instanceType,
    tags,
  }: { image: string | undefined; subnet: string; instanceType: string; tags: Tag[] },
): Omit<RunInstancesCommandInput, "MinCount" | "MaxCount"> {
  const { securityGroups, instanceProfile, spot } = settings;
  return {
    ImageId: image,
    InstanceType: instanceType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    SubnetId: subnet,
    SecurityGroupIds: [...securityGroups],
    InstanceInitiatedShutdownBehavior: "terminate",
    MetadataOptions: {
      HttpEndpoint: "enabled",
      HttpTokens: "required",
      HttpPutResponseHopLimit: 1,
    },
    TagSpecifications: [
      { ResourceType: "instance", Tags: tags },
      { ResourceType: "volume", Tags: tags },
      { ResourceType: "network-interface", Tags: tags },
    ],
    ...(instanceProfile !== undefined && { IamInstanceProfile: { Name: instanceProfile } }),
    ...(spot && {
      InstanceMarketOptions: {
        MarketType: "spot",
        SpotOptions: { SpotInstanceType: "one-time", InstanceInterruptionBehavior: "terminate" },
      },
    }),
  };
}
