import type { Xml } from "./fake-ec2-xml.ts";

export interface FakeInstance {
  id: string;
  reservationId: string;
  accountId: string;
  launchIndex: number;
  clientToken: string;
  imageId: string;
  instanceType: string;
  subnetId: string;
  zone: string;
  address: string;
  mac: string;
  userData: string;
  tags: readonly { Key: string; Value: string }[];
  hopLimit: number;
  tokensRequired: boolean;
  profile: string | undefined;
  isSpot: boolean;
  sourceDestCheck: boolean;
  launchedAt: number;
  endedAt?: number;
  stateReason?: { code: string; message: string };
}

const bootMs = 3000;
const shutdownMs = 5000;
const stateCodes = { pending: 0, running: 16, "shutting-down": 32, terminated: 48 };

export function stateOf({ launchedAt, endedAt }: FakeInstance, now: number): keyof typeof stateCodes {
  if (endedAt !== undefined) return now < endedAt + shutdownMs ? "shutting-down" : "terminated";
  return now < launchedAt + bootMs ? "pending" : "running";
}

/** One `item` of an `instancesSet`. */
export function toInstanceItem(instance: FakeInstance, now: number): Xml {
  const name = stateOf(instance, now);
  const { id, address, mac } = instance;
  const isOver = instance.endedAt !== undefined;
  return {
    instanceId: id,
    imageId: instance.imageId,
    instanceState: { code: stateCodes[name], name },
    amiLaunchIndex: instance.launchIndex,
    instanceType: instance.instanceType,
    launchTime: new Date(instance.launchedAt).toISOString(),
    placement: { availabilityZone: instance.zone, tenancy: "default" },
    // A terminated instance has no network interface.
    ...(!isOver && { privateIpAddress: address, subnetId: instance.subnetId, vpcId: "vpc-1" }),
    clientToken: instance.clientToken,
    instanceLifecycle: instance.isSpot ? "spot" : undefined,
    stateReason: instance.stateReason,
    sourceDestCheck: instance.sourceDestCheck,
    networkInterfaceSet: isOver
      ? []
      : [{ networkInterfaceId: `eni-${id.slice(2)}`, macAddress: mac, privateIpAddress: address, status: "in-use" }],
    tagSet: instance.tags.map(({ Key: key, Value: value }) => ({ key, value })),
    metadataOptions: {
      state: "applied",
      httpTokens: instance.tokensRequired ? "required" : "optional",
      httpPutResponseHopLimit: instance.hopLimit,
      httpEndpoint: "enabled",
    },
  };
}

/** One `item` for each reservation among them. */
export const toReservationItems = (instances: readonly FakeInstance[], now: number): Xml[] =>
  Array.from(
    Map.groupBy(instances, ({ reservationId }) => reservationId),
    ([reservationId, each]) => ({
      reservationId,
      ownerId: each[0]?.accountId,
      groupSet: [],
      instancesSet: each.map((instance) => toInstanceItem(instance, now)),
    }),
  );
