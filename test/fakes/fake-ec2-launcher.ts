import { randomBytes } from "node:crypto";
import { type FakeInstance, toInstanceItem } from "./fake-ec2-instance.ts";
import type { Parameters } from "./fake-ec2-parameters.ts";
import { Ec2Refusal } from "./fake-ec2-refusal.ts";
import type { TakeTokens } from "./fake-ec2-throttle.ts";
import * as world from "./fake-ec2-world.ts";
import type { Xml } from "./fake-ec2-xml.ts";

export interface FakeLauncherOptions {
  account: world.FakeAccount;
  now: () => number;
  take: TakeTokens;
  /** The list that launched instances are added to. */
  instances: FakeInstance[];
  scarce: ReadonlyMap<string, string>;
  onLaunch: ((instances: readonly FakeInstance[]) => Promise<void>) | undefined;
}

/** RunInstances: all or none, once for each client token. */
export function createFakeLauncher(options: FakeLauncherOptions) {
  const { account, now, take, instances, scarce, onLaunch } = options;
  const launches = new Map<string, { parameters: string; launched: Promise<FakeInstance[]> }>();

  const create = (given: Partial<FakeInstance>): FakeInstance => {
    const number = instances.length;
    return {
      id: `i-${randomBytes(8).toString("hex")}`,
      reservationId: `r-${randomBytes(8).toString("hex")}`,
      accountId: account.accountId,
      launchIndex: 0,
      clientToken: "",
      imageId: account.images[0]!.id,
      instanceType: "m6i.large",
      subnetId: account.subnets[0]!.id,
      zone: account.subnets[0]!.zone,
      address: `172.31.${Math.floor(number / 240)}.${(number % 240) + 10}`,
      mac: `02:00:00:00:${hex(Math.floor(number / 256))}:${hex(number % 256)}`,
      userData: "",
      tags: [],
      hopLimit: 2,
      tokensRequired: false,
      profile: undefined,
      isSpot: false,
      sourceDestCheck: true,
      launchedAt: now(),
      ...given,
    };
  };

  const launch = async (asked: Parameters<"RunInstances">, subnet: world.FakeSubnet): Promise<FakeInstance[]> => {
    const reservationId = `r-${randomBytes(8).toString("hex")}`;
    const tags = asked.TagSpecification?.find(({ ResourceType }) => ResourceType === "instance")?.Tag ?? [];
    const launched = Array.from({ length: asked.MaxCount }, (_, launchIndex) => {
      const instance = create({
        reservationId,
        launchIndex,
        clientToken: asked.ClientToken ?? "",
        imageId: asked.ImageId,
        instanceType: asked.InstanceType,
        subnetId: subnet.id,
        zone: subnet.zone,
        userData: Buffer.from(asked.UserData ?? "", "base64").toString(),
        tags,
        hopLimit: asked.MetadataOptions?.HttpPutResponseHopLimit ?? 2,
        tokensRequired: asked.MetadataOptions?.HttpTokens === "required",
        profile: asked.IamInstanceProfile?.Name,
        isSpot: asked.InstanceMarketOptions !== undefined,
      });
      instances.push(instance);
      return instance;
    });
    await onLaunch?.(launched);
    return launched;
  };

  const run = async (asked: Parameters<"RunInstances">): Promise<Xml> => {
    const { ClientToken: clientToken, DryRun: isDry = false, ...parameters } = asked;
    const subnet = checkRequest(account, asked);
    if (isDry) throw new Ec2Refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    const text = JSON.stringify(parameters);
    const earlier = clientToken === undefined ? undefined : launches.get(clientToken);
    if (earlier !== undefined && earlier.parameters !== text)
      throw new Ec2Refusal(400, "IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent");
    if (earlier !== undefined) return toReservation(await earlier.launched);
    const reason = scarce.get(`${asked.InstanceType} ${subnet.zone}`) ?? scarce.get(asked.InstanceType);
    if (reason !== undefined)
      throw new Ec2Refusal(500, reason, `We currently do not have sufficient ${asked.InstanceType} capacity`);
    take("resources", "RunInstances", asked.MaxCount);
    const launched = launch(asked, subnet);
    if (clientToken !== undefined) launches.set(clientToken, { parameters: text, launched });
    return toReservation(await launched);
  };

  const toReservation = (launched: readonly FakeInstance[]): Xml => ({
    reservationId: launched[0]?.reservationId,
    ownerId: account.accountId,
    groupSet: [],
    instancesSet: launched.map((instance) => toInstanceItem(instance, now())),
  });

  return { create, run };
}

/** Throws Ec2Refusal unless everything that the request names exists. */
function checkRequest(account: world.FakeAccount, asked: Parameters<"RunInstances">): world.FakeSubnet {
  const [subnet] = world.pick(account.subnets, [asked.SubnetId], world.unknownSubnet);
  world.pick(account.images, [asked.ImageId], world.unknownImage);
  world.pick(account.groups, asked.SecurityGroupId, world.unknownGroup);
  world.describeInstanceTypes(account, [asked.InstanceType]);
  const profile = asked.IamInstanceProfile?.Name;
  if (profile !== undefined && !account.profiles.includes(profile))
    throw new Ec2Refusal(
      400,
      "InvalidParameterValue",
      `Value (${profile}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
    );
  return subnet!;
}

const hex = (value: number) => value.toString(16).padStart(2, "0");
