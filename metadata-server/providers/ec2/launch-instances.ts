import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Instance, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { DomainError } from "../../errors.ts";
import type { LaunchedMachine, MachineSpec } from "../provider.ts";
import { describeOwnInstances, toLaunchedMachine } from "./describe-instances.ts";
import type { Ec2Clients } from "./ec2-clients.ts";
import { describeEc2Error, ec2ErrorCode, isScarce, isThrottled } from "./ec2-errors.ts";
import type { Ec2Settings } from "./ec2-settings.ts";
import { clientTokenPrefix } from "./instance-tags.ts";
import { toRunRequest } from "./run-request.ts";
import { terminateInstances } from "./terminate-instances.ts";

export interface Ec2Context {
  settings: Ec2Settings;
  clients: Ec2Clients;
  /** How long EC2 may take to tell of what it has done, and how often it is asked meanwhile. */
  consistencyMs: number;
  retryMs: number;
}

/** Instances of one request: members of one cluster with the same types. */
export interface Batch {
  specs: readonly MachineSpec[];
  signal: AbortSignal;
}

/** Of the same instances in one place: more than a crash or two would need. */
const maxLaunches = 8;

/**
 * All of the batch, or none. The client token is made of the allocations, so that the same launch is done once however
 * often it is asked for. Throws DomainError `no-capacity` where no type has room in any subnet that may be used.
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
          // Launched before a crash, with capabilities that are worth nothing any more.
          await endEarlier(context, clientToken);
          continue;
        }
        if (!isScarce(error)) throw new Error(describeEc2Error(error), { cause: error });
        scarcities.push(`${placement.instanceType} in ${placement.subnet}: ${ec2ErrorCode(error)}`);
        break;
      }
    }
  }
  if (scarcities.length === 0)
    throw new Error(`EC2 has ended each of ${maxLaunches} launches of the same instances; see why in its console`);
  throw new DomainError("no-capacity", `EC2 has no room for ${specs.length} instances: ${scarcities.join(", ")}`);
}

const isDead = ({ State }: Instance) => ["shutting-down", "terminated"].includes(State?.Name ?? "");

/** 64 characters at most. */
function toClientToken(specs: readonly MachineSpec[], attempt: number): string {
  const allocations = specs.map(({ allocation }) => allocation).toSorted();
  return `${clientTokenPrefix}${hash("sha256", [...allocations, String(attempt)].join(" ")).slice(0, 48)}`;
}

/** Every type in the cluster's own subnet first. Routes between nodes end at their subnet: such a cluster stays in one. */
export function placementsOf({ subnets, instanceTypes }: Ec2Settings, specs: readonly MachineSpec[]) {
  const [{ role, providerData }] = specs as [MachineSpec];
  const own = providerData["subnet"] ?? subnets[0] ?? "";
  const isSplit = specs.length < Number(providerData["members"]);
  const isBound = providerData["network"] === "routes" && isSplit;
  const others = isBound ? [] : subnets.filter((subnet) => subnet !== own);
  return [own, ...others].flatMap((subnet) =>
    instanceTypes[role].map((instanceType) => ({ subnet, instanceType, role })),
  );
}

/** Once sent it is waited for, also when the signal aborts: what was launched must be known, or nobody could end it. */
async function sendRun(
  { settings, clients, retryMs }: Ec2Context,
  options: {
    specs: readonly MachineSpec[];
    subnet: string;
    instanceType: string;
    clientToken: string;
    signal: AbortSignal;
  },
): Promise<{ accountId: string; instances: Instance[] }> {
  const { signal } = options;
  const { client, queue } = clients.launches;
  const request = toRunRequest(settings, options);
  for (;;) {
    signal.throwIfAborted();
    try {
      const { OwnerId: accountId = "", Instances: instances = [] } = await queue(async () => {
        signal.throwIfAborted();
        return client.send(new RunInstancesCommand(request));
      });
      return { accountId, instances };
    } catch (error) {
      if (!isThrottled(error)) throw error;
      await sleep(retryMs, undefined, { signal });
    }
  }
}

async function endEarlier(context: Ec2Context, clientToken: string): Promise<void> {
  const { installation } = context.settings;
  const deadline = Date.now() + context.consistencyMs;
  while (Date.now() < deadline) {
    const found = await describeOwnInstances(context.clients.reads, { installation, clientToken });
    await terminateInstances(
      context,
      found.filter(({ isLiving }) => isLiving).map(({ instance }) => instance.InstanceId ?? ""),
    );
    if (found.length > 0) return;
    await sleep(context.retryMs);
  }
  throw new Error(
    `Instances of an earlier launch (client token ${clientToken}) exist, but EC2 does not tell which; they are ended when it does`,
  );
}
