import { hash } from "node:crypto";
import { type Instance, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { retry } from "#lib/retry.ts";
import { DomainError } from "../../errors.ts";
import type { LaunchedMachine } from "../../store/records.ts";
import type { MachineSpec } from "../provider.ts";
import { describeOwnInstances, findOnceListed, toLaunchedMachine } from "./describe-instances.ts";
import type { Ec2Context } from "./ec2-clients.ts";
import { describeEc2Error, ec2ErrorCode, isScarce, isThrottled } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";
import { clientTokenPrefix } from "./instance-tags.ts";
import { type RunOptions, toRunRequest } from "./run-request.ts";
import { terminateInstances } from "./terminate-instances.ts";

/** Instances of one request: members of one cluster with the same types. */
interface Batch {
  specs: readonly MachineSpec[];
  signal: AbortSignal;
}

/** Launches of the same instances in one place; a crash or two need fewer. */
const maxLaunches = 8;

/**
 * Launches the whole batch, or nothing. The client token is made of the allocations, so a repeated request launches
 * nothing twice. Throws DomainError `no-capacity` if no type has room in any subnet that may be used.
 */
export async function launchInstances(context: Ec2Context, { specs, signal }: Batch): Promise<LaunchedMachine[]> {
  const { region } = context.settings;
  const { accountId, instances } = await runInstances(context, { specs, signal });
  const byIndex = instances.toSorted((one, other) => (one.AmiLaunchIndex ?? 0) - (other.AmiLaunchIndex ?? 0));
  return byIndex.map((instance) => toLaunchedMachine(instance, { accountId, region }));
}

async function runInstances(context: Ec2Context, batch: Batch) {
  const { specs, signal } = batch;
  const scarcities: string[] = [];
  for (const placement of placementsOf(context.settings, specs)) {
    for (let attempt = 0; attempt < maxLaunches; attempt += 1) {
      const clientToken = toClientToken(specs, attempt);
      try {
        const answer = await sendRun(context, { ...placement, specs, clientToken, signal });
        if (answer.instances.every(isDead)) continue;
        return answer;
      } catch (error) {
        if (ec2ErrorCode(error) === "IdempotentParameterMismatch") {
          // Launched before a crash, with capabilities that are no longer valid.
          await terminateEarlier(context, clientToken);
          continue;
        }
        if (!isScarce(error)) throw new Error(describeEc2Error(error), { cause: error });
        scarcities.push(`${placement.instanceType} in ${placement.subnet}: ${ec2ErrorCode(error)}`);
        break;
      }
    }
  }
  if (scarcities.length === 0)
    throw new Error(
      `EC2 terminated each of ${maxLaunches} launches of the same instances; see the reasons in its console`,
    );
  throw new DomainError("no-capacity", `EC2 has no room for ${specs.length} instances: ${scarcities.join(", ")}`);
}

const isDead = ({ State }: Instance) => ["shutting-down", "terminated"].includes(State?.Name ?? "");

/** EC2 takes at most 64 characters. */
function toClientToken(specs: readonly MachineSpec[], attempt: number): string {
  const allocations = specs.map(({ allocation }) => allocation).toSorted();
  return `${clientTokenPrefix}${hash("sha256", [...allocations, String(attempt)].join(" ")).slice(0, 48)}`;
}

/** In order of preference. */
export const typesOf = (settings: Ec2Settings, { role, instanceTypes }: MachineSpec): readonly string[] =>
  instanceTypes ?? settings.instanceTypes[role];

/** Every type in the cluster's own subnet first. A cluster with routes stays there: routes end at their subnet. */
function placementsOf(settings: Ec2Settings, specs: readonly MachineSpec[]) {
  const { subnets } = settings;
  const [spec] = specs as [MachineSpec];
  const { providerData } = spec;
  const own = providerData["subnet"] ?? subnets[0] ?? "";
  const isSplit = specs.length < Number(providerData["members"]);
  const isBound = providerData["network"] === "routes" && isSplit;
  const others = isBound ? [] : subnets.filter((subnet) => subnet !== own);
  return [own, ...others].flatMap((subnet) =>
    typesOf(settings, spec).map((instanceType) => ({ subnet, instanceType })),
  );
}

/** Awaits a sent request even if the signal aborts: only known instances can be terminated. */
async function sendRun(
  { settings, clients, retryMs }: Ec2Context,
  options: RunOptions & { signal: AbortSignal },
): Promise<{ accountId: string; instances: Instance[] }> {
  const { signal } = options;
  const { client, queue } = clients.launches;
  const request = toRunRequest(settings, options);
  const send = () =>
    queue(async () => {
      signal.throwIfAborted();
      return client.send(new RunInstancesCommand(request));
    });
  const delays = { firstMs: retryMs, factor: 1 };
  const { OwnerId: accountId = "", Instances: instances = [] } = await retry(send, {
    signal,
    delays,
    isRetriable: isThrottled,
  });
  return { accountId, instances };
}

async function terminateEarlier(context: Ec2Context, clientToken: string): Promise<void> {
  const { installation } = context.settings;
  const find = async () => {
    const found = await describeOwnInstances(context.clients.reads, { installation, clientToken });
    return found.length > 0 ? found : undefined;
  };
  const found = await findOnceListed(find, context);
  if (found === undefined)
    throw new Error(
      `Instances of an earlier launch (client token ${clientToken}) exist, but EC2 does not list them yet; they are terminated when it does`,
    );
  await terminateInstances(
    context,
    found.filter(({ isLiving }) => isLiving).map(({ instance }) => instance.InstanceId ?? ""),
  );
}
