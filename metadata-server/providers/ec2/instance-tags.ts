import type { Instance, Tag } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { AllocationId, ClusterId } from "#api/name.ts";

export const installationTag = "sprout:installation";
export const clusterTag = "sprout:cluster";
const networkTag = "sprout:network";
const allocationsTag = "sprout:allocations";
/** A tag's value has at most 256 characters; an allocation and its space have 19. */
const allocationsInTag = 13;
export const clientTokenPrefix = "sprout-";

export interface Launched {
  installation: string;
  clusterId: string;
  /** Name in the EC2 console. */
  name: string;
  /** Whether nodes route their peers' pods. */
  routes: boolean;
  /** By launch index. All instances of a launch have the same tags. */
  allocations: readonly string[];
}

export function toTags({ installation, clusterId, name, routes, allocations }: Launched): Tag[] {
  const parts = Array.from({ length: Math.ceil(allocations.length / allocationsInTag) }, (_, part) => ({
    Key: `${allocationsTag}:${part}`,
    Value: allocations.slice(part * allocationsInTag, (part + 1) * allocationsInTag).join(" "),
  }));
  return [
    { Key: "Name", Value: name },
    { Key: installationTag, Value: installation },
    { Key: clusterTag, Value: clusterId },
    { Key: networkTag, Value: routes ? "routes" : "manifest" },
    ...parts,
  ];
}

export interface Owner {
  clusterId: string;
  allocation: string;
}

const OwnTags = z.object({ [installationTag]: z.string(), [clusterTag]: ClusterId });

/** Returns the owner of an instance; undefined unless all of it was made by this installation. */
export function readOwner(instance: Instance, installation: string): Owner | undefined {
  const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
  const own = OwnTags.safeParse(tags);
  if (!own.success || own.data[installationTag] !== installation) return undefined;
  if (!instance.ClientToken?.startsWith(clientTokenPrefix)) return undefined;
  const index = instance.AmiLaunchIndex ?? 0;
  const part = tags[`${allocationsTag}:${Math.floor(index / allocationsInTag)}`] ?? "";
  const allocation = AllocationId.safeParse(part.split(" ")[index % allocationsInTag]);
  return allocation.success ? { clusterId: own.data[clusterTag], allocation: allocation.data } : undefined;
}

export const isRouting = ({ Tags = [] }: Instance): boolean =>
  Tags.some(({ Key, Value }) => Key === networkTag && Value === "routes");
