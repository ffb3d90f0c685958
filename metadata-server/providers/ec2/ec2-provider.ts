import rcompare from "semver/functions/rcompare.js";
import { hash, X509Certificate } from "node:crypto";
import { maxInstancesPerLaunch } from "#api/ec2-user-data.ts";
import { imageNamesOf, parseImageFolder, versionsOf } from "#lib/image-folder.ts";
import type { LaunchedMachine } from "../../store/records.ts";
import type { MachineProvider, MachineSpec, Reservation, RunningMachine } from "../provider.ts";
import { checkSettings, type Ec2Facts } from "./check-settings.ts";
import { describeOwnInstances, findOnceListed, toLaunchedMachine } from "./describe-instances.ts";
import { createEc2Clients, type Ec2Access, type Ec2Context } from "./ec2-clients.ts";
import { unusable } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";
import { batch } from "./batch.ts";
import { doubtIdentity } from "./identity.ts";
import { launchInstances, typesOf } from "./launch-instances.ts";
import { createRouting, letRoute } from "./route-instances.ts";
import { findClosedPorts, toNodePorts } from "./node-ports.ts";
import { terminateInstances } from "./terminate-instances.ts";
import { toSurveyedMachine } from "./survey.ts";

/** How long checked settings count as valid. */
const factsForMs = 60_000;
const longestRetryMs = 1000;
const provisionAllowanceMs = 120_000;

export interface Ec2ProviderOptions extends Ec2Settings {
  credentials?: Ec2Access["credentials"];
  consistencyMs?: number;
  surveyIntervalMs?: number;
}

export interface Ec2Provider extends MachineProvider {
  /** Checks the settings. Throws DomainError `provider-unusable` with everything that prevents launches. */
  check(): Promise<Ec2Facts>;
}

/** Launches EC2 instances, whole clusters at once: members requested in one turn share one RunInstances. */
export function createEc2Provider(options: Ec2ProviderOptions): Ec2Provider {
  const { consistencyMs = 15_000, surveyIntervalMs = 30_000, credentials, ...settings } = options;
  const { installation, region } = settings;
  const images = Object.keys(settings.images).flatMap((image) => parseImageFolder(image) ?? []);
  const clients = createEc2Clients({ ...settings, credentials });
  const retryMs = Math.min(longestRetryMs, Math.max(1, consistencyMs / 10));
  const context: Ec2Context = { settings, clients, consistencyMs, retryMs };
  const routing = createRouting(context);
  const keys = settings.identityCertificates.map((pem) => new X509Certificate(pem).publicKey);
  /** Instance ids by allocation, launched by this process: EC2 lists them some seconds later. */
  const justLaunched = new Map<string, string>();
  let checked: { facts: Ec2Facts; at: number } | undefined;
  let checking: Promise<Ec2Facts> | undefined;

  const describe = (clusterId?: string) =>
    describeOwnInstances(clients.reads, { installation, ...(clusterId !== undefined && { clusterId }) });

  const launch = batch<{ spec: MachineSpec; signal: AbortSignal }, LaunchedMachine>(
    async (asked) => {
      const signal = AbortSignal.any(asked.map((each) => each.signal));
      const specs = asked.map(({ spec }) => spec);
      const launched = await launchInstances(context, { specs, signal });
      for (const [index, { id }] of launched.entries()) justLaunched.set(specs[index]!.allocation, id);
      if (specs[0]?.providerData["network"] === "routes")
        await routing.start(
          launched.map(({ id }) => id),
          signal,
        );
      return launched;
    },
    { keyOf: ({ spec }) => launchKey(settings, spec), limit: maxInstancesPerLaunch },
  );

  const terminate = batch<RunningMachine, void>(
    async (machines) => {
      const [{ clusterId }] = machines as [RunningMachine];
      const allocations = new Set(machines.flatMap(({ allocation, id }) => (id === undefined ? [allocation] : [])));
      const found = allocations.size === 0 ? [] : await describe(clusterId);
      const ids = [
        ...machines.flatMap(({ allocation, id = justLaunched.get(allocation) }) => id ?? []),
        ...found
          .filter(({ owner, isLiving }) => isLiving && allocations.has(owner.allocation))
          .map(({ instance }) => instance.InstanceId ?? ""),
      ];
      await terminateInstances(context, [...new Set(ids)]);
      for (const { allocation } of machines) justLaunched.delete(allocation);
      return machines.map(() => undefined);
    },
    { keyOf: ({ clusterId, id }) => `${clusterId} ${id === undefined}`, limit: 1000 },
  );

  /** Lists all instances once for all callers of one turn. */
  const listAll = batch<"all", Awaited<ReturnType<typeof describe>>>(
    async (asked) => {
      const found = await describe();
      return asked.map(() => found);
    },
    { keyOf: (all) => all, limit: Infinity },
  );

  /** Checks at most once at a time, however many clusters ask. */
  const currentFacts = async (): Promise<Ec2Facts> => {
    if (checked !== undefined && Date.now() < checked.at + factsForMs) return checked.facts;
    checking ??= provider.check().finally(() => {
      checking = undefined;
    });
    return checking;
  };

  const provider: Ec2Provider = {
    name: "ec2",
    provisionAllowanceMs,
    surveyIntervalMs,
    kubernetesVersions: async () => versionsOf(images).toSorted(rcompare),
    imageNames: async (kubernetesVersion) => imageNamesOf(images, kubernetesVersion),
    nodePoolInstanceTypes: [...settings.instanceTypes.worker, ...settings.nodePoolInstanceTypes],

    async check() {
      const { facts, problems, cause } = await checkSettings(settings, clients.reads);
      if (problems.length > 0) throw unusable(problems, cause);
      checked = { facts, at: Date.now() };
      return facts;
    },

    async reserve(request) {
      const facts = await currentFacts();
      const subnet = chooseSubnet(settings.subnets, request.clusterId);
      refuseClosedPorts(request, { settings, facts });
      return {
        machines: request.members.map(({ name, role }) => ({ name, role, address: null, mac: null })),
        serverUrl: settings.serverUrl,
        providerData: {
          subnet,
          network: request.network?.plugin ?? "routes",
          members: String(request.members.length),
        },
        subnets: facts.subnets,
      };
    },

    async launch(spec, signal) {
      signal.throwIfAborted();
      return launch({ spec, signal });
    },

    async adopt({ clusterId, allocation, providerData }) {
      const find = async () =>
        (await listAll("all")).find(
          ({ owner, isLiving }) => isLiving && owner.clusterId === clusterId && owner.allocation === allocation,
        );
      const mine = await findOnceListed(find, context);
      if (mine === undefined) return undefined;
      if (providerData["network"] === "routes")
        await letRoute(context, clients.changes, {
          instanceId: mine.instance.InstanceId ?? "",
          signal: AbortSignal.timeout(provisionAllowanceMs),
        });
      return toLaunchedMachine(mine.instance, { accountId: mine.accountId, region });
    },

    terminate,
    release: async () => undefined,

    async list() {
      const found = await describe();
      return found
        .filter(({ isLiving }) => isLiving)
        .map(({ owner, instance }) => ({ ...owner, id: instance.InstanceId ?? "" }));
    },

    async survey() {
      const found = await describe();
      routing.finish(found);
      return found.map((own) => toSurveyedMachine(own, routing.troubleOf(own.instance.InstanceId ?? "")));
    },
    doubtIdentity: (launched, identity) => doubtIdentity(launched, identity, keys),
  };
  return provider;
}

/** Groups members that one request can launch: of one cluster, with the same types and image. */
function launchKey(settings: Ec2Settings, spec: MachineSpec): string {
  return [spec.clusterId, spec.image ?? "", ...typesOf(settings, spec)].join(" ");
}

/** Always the same subnet for a cluster; clusters spread over all of them. */
function chooseSubnet(subnets: readonly string[], clusterId: string): string {
  const number = Number.parseInt(hash("sha256", clusterId).slice(0, 8), 16);
  return subnets[number % subnets.length] ?? "";
}

function refuseClosedPorts(request: Reservation, { settings, facts }: { settings: Ec2Settings; facts: Ec2Facts }) {
  const closed = findClosedPorts(toNodePorts(request), facts);
  if (closed.length === 0) return;
  const groups = settings.securityGroups.join(", ");
  throw unusable([
    `security groups ${groups} block traffic between nodes on ${closed.join(", ")}; add an inbound rule with the group itself as its source`,
  ]);
}
