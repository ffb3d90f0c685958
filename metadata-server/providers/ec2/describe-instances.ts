import { type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { retry } from "#lib/retry.ts";
import type { LaunchedMachine } from "../../store/records.ts";
import type { QueuedClient } from "./ec2-clients.ts";
import { clusterTag, installationTag, isRouting, type Owner, readOwner } from "./instance-tags.ts";

const pageSize = 1000;
/** States that cost money now or may again. */
const livingStates = ["pending", "running", "stopping", "stopped"];
const isLiving = ({ State }: Instance) => livingStates.includes(State?.Name ?? "");

export interface OwnInstance {
  owner: Owner;
  instance: Instance;
  accountId: string;
  isLiving: boolean;
  /** Whether its source/destination check must be off. */
  routes: boolean;
}

interface InstanceQuery {
  installation: string;
  clusterId?: string;
  clientToken?: string;
}

/** Every instance of this installation that EC2 lists, just ended ones included; the list lags by some seconds. */
export async function describeOwnInstances(
  { client, queue }: QueuedClient,
  { installation, clusterId, clientToken }: InstanceQuery,
): Promise<OwnInstance[]> {
  const filters = [
    { Name: `tag:${installationTag}`, Values: [installation] },
    ...(clusterId === undefined ? [] : [{ Name: `tag:${clusterTag}`, Values: [clusterId] }]),
    ...(clientToken === undefined ? [] : [{ Name: "client-token", Values: [clientToken] }]),
  ];
  return queue(async () => {
    const found: OwnInstance[] = [];
    for await (const page of paginateDescribeInstances({ client, pageSize }, { Filters: filters })) {
      for (const { OwnerId: accountId = "", Instances = [] } of page.Reservations ?? [])
        for (const instance of Instances) {
          const owner = readOwner(instance, installation);
          if (owner !== undefined)
            found.push({ owner, instance, accountId, isLiving: isLiving(instance), routes: isRouting(instance) });
        }
    }
    return found;
  });
}

const notListed = new Error("EC2 does not list the instance yet");
const isNotListed = (error: unknown) => error === notListed;

/** Repeats `find` until it returns a value, for at most `consistencyMs`: EC2 lists a new instance some seconds late. */
export async function findOnceListed<T>(
  find: () => Promise<T | undefined>,
  { consistencyMs, retryMs }: { consistencyMs: number; retryMs: number },
): Promise<T | undefined> {
  const attempt = async () => {
    const found = await find();
    if (found === undefined) throw notListed;
    return found;
  };
  const delays = { firstMs: retryMs, factor: 1 };
  return retry(attempt, { delays, deadlineMs: consistencyMs, isRetriable: isNotListed }).catch((error: unknown) => {
    if (isNotListed(error)) return undefined;
    throw error;
  });
}

/** Throws if EC2 left out a value that every instance in a VPC has. */
export function toLaunchedMachine(
  instance: Instance,
  { accountId, region }: { accountId: string; region: string },
): LaunchedMachine {
  const { InstanceId: id, PrivateIpAddress: address, ImageId: imageId, LaunchTime: launchTime } = instance;
  const mac = instance.NetworkInterfaces?.[0]?.MacAddress;
  if (!id || !address || !mac || !imageId || !launchTime)
    throw new Error(`Cannot use instance ${id ?? "without an id"}: EC2 lists no address, MAC, image or launch time`);
  const market = instance.InstanceLifecycle === "spot" ? ", spot" : "";
  return {
    id,
    address,
    mac,
    description: `${instance.InstanceType} in ${instance.Placement?.AvailabilityZone}${market}`,
    identity: {
      accountId,
      region,
      instanceId: id,
      imageId,
      privateIp: address,
      launchTime: launchTime.toISOString(),
    },
  };
}
