import { ModifyInstanceAttributeCommand } from "@aws-sdk/client-ec2";
import { retry } from "#lib/retry.ts";
import type { OwnInstance } from "./describe-instances.ts";
import type { Ec2Context, QueuedClient } from "./ec2-clients.ts";
import { describeEc2Error, ec2ErrorCode, isThrottled, isUnknownInstance } from "./ec2-errors.ts";

/** Longest time for one instance, with EC2's throttling. */
const longestWaitMs = 15 * 60_000;
const consequence = "Until then its pods and those of other nodes cannot reach each other; Sprout retries";

/** Switches off the source/destination check: packets of pods do not carry the instance's address. */
export async function letRoute(
  { consistencyMs, retryMs }: Pick<Ec2Context, "consistencyMs" | "retryMs">,
  { client, queue }: QueuedClient,
  { instanceId, signal }: { instanceId: string; signal: AbortSignal },
): Promise<void> {
  const deadline = Date.now() + consistencyMs;
  const change = { InstanceId: instanceId, SourceDestCheck: { Value: false } };
  const isEarly = (error: unknown) => isUnknownInstance(error) && Date.now() < deadline;
  try {
    await retry(() => queue(() => client.send(new ModifyInstanceAttributeCommand(change))), {
      signal,
      delays: { firstMs: retryMs, factor: 1 },
      isRetriable: (error) => isThrottled(error) || isEarly(error),
    });
  } catch (error) {
    throw cannotRoute(instanceId, error);
  }
}

function cannotRoute(instanceId: string, cause: unknown): Error {
  const advice = ec2ErrorCode(cause) === "UnauthorizedOperation" ? "; allow ec2:ModifyInstanceAttribute" : "";
  const reason = `${describeEc2Error(cause)}${advice}`;
  return new Error(`Cannot switch off ${instanceId}'s source/destination check: ${reason}`, { cause });
}

interface Routing {
  /** Returns once the first instance routes; the others follow. Throws if the first cannot. */
  start(instanceIds: readonly string[], signal: AbortSignal): Promise<void>;
  /** Continues with instances that a crash, or EC2, left without. The next survey retries failures. */
  finish(instances: readonly OwnInstance[]): void;
  /** Returns why an instance cannot route, and the consequence; undefined without a known problem. */
  troubleOf(instanceId: string): string | undefined;
}

/**
 * EC2 needs a call for each instance and takes five a second, so a launch waits for the first only. If that one lacks
 * the permission, the others mostly do too, so waiting for one is enough to fail a launch.
 */
export function createRouting(context: Ec2Context): Routing {
  const { clients } = context;
  const underWay = new Set<string>();
  /** Problems by instance, until it routes or is gone. */
  const troubles = new Map<string, string>();
  const startOne = (instanceId: string) => {
    if (underWay.has(instanceId)) return;
    underWay.add(instanceId);
    void letRoute(context, clients.background, { instanceId, signal: AbortSignal.timeout(longestWaitMs) })
      .then(
        () => troubles.delete(instanceId),
        (error: Error) => troubles.set(instanceId, `${error.message}. ${consequence}`),
      )
      .finally(() => underWay.delete(instanceId));
  };
  return {
    async start([first, ...others], signal) {
      for (const instanceId of others) startOne(instanceId);
      if (first !== undefined) await letRoute(context, clients.changes, { instanceId: first, signal });
    },
    finish(instances) {
      const waiting = new Set(
        instances.flatMap(({ instance, isLiving, routes }) =>
          isLiving && routes && instance.SourceDestCheck === true ? (instance.InstanceId ?? []) : [],
        ),
      );
      for (const instanceId of troubles.keys()) if (!waiting.has(instanceId)) troubles.delete(instanceId);
      for (const instanceId of waiting) startOne(instanceId);
    },
    troubleOf: (instanceId) => troubles.get(instanceId),
  };
}
