import { setTimeout as sleep } from "node:timers/promises";
import { ModifyInstanceAttributeCommand } from "@aws-sdk/client-ec2";
import type { OwnInstance } from "./describe-instances.ts";
import type { Ec2Lane } from "./ec2-clients.ts";
import { describeEc2Error, ec2ErrorCode, isThrottled, isUnknownInstance } from "./ec2-errors.ts";
import type { Ec2Context } from "./launch-instances.ts";

/** For one instance, EC2's throttling included. */
const longestWaitMs = 15 * 60_000;
const consequence = "Until then its pods reach no other node's, nor these them; it is tried again";

/** Packets of pods have neither the instance's address as their source nor as their destination. */
export async function letRoute(
  { consistencyMs, retryMs }: Pick<Ec2Context, "consistencyMs" | "retryMs">,
  { client, queue }: Ec2Lane,
  { instanceId, signal }: { instanceId: string; signal: AbortSignal },
): Promise<void> {
  const deadline = Date.now() + consistencyMs;
  for (;;)
    try {
      const change = { InstanceId: instanceId, SourceDestCheck: { Value: false } };
      await queue(() => client.send(new ModifyInstanceAttributeCommand(change)));
      return;
    } catch (error) {
      const isEarly = isUnknownInstance(error) && Date.now() < deadline;
      if (!isEarly && !isThrottled(error)) throw cannotRoute(instanceId, error);
      await sleep(retryMs, undefined, { signal }).catch(() => {
        throw cannotRoute(instanceId, error);
      });
    }
}

function cannotRoute(instanceId: string, cause: unknown): Error {
  const advice = ec2ErrorCode(cause) === "UnauthorizedOperation" ? "; allow ec2:ModifyInstanceAttribute" : "";
  const reason = `${describeEc2Error(cause)}${advice}`;
  return new Error(`Cannot switch off ${instanceId}'s source/destination check: ${reason}`, { cause });
}

export interface Routing {
  /** Returns when the first of them routes; the others follow. Throws where the first cannot. */
  start(instanceIds: readonly string[], signal: AbortSignal): Promise<void>;
  /** Those that a crash, or EC2, left without. What cannot be done is tried again with the next look at all instances. */
  finish(instances: readonly OwnInstance[]): void;
  /** Why an instance that nobody waits for cannot route, and what of it; undefined where nothing is known against it. */
  troubleOf(instanceId: string): string | undefined;
}

/**
 * One call for each instance, and EC2 takes five a second of them: nobody waits for all of them. What one is not allowed
 * to do the others are mostly not either, so that waiting for one is enough to fail a launch.
 */
export function createRouting(context: Ec2Context): Routing {
  const { clients } = context;
  const underWay = new Set<string>();
  /** By instance, until it routes or is gone. */
  const troubles = new Map<string, string>();
  const follow = (instanceId: string) => {
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
      for (const instanceId of others) follow(instanceId);
      if (first !== undefined) await letRoute(context, clients.changes, { instanceId: first, signal });
    },
    finish(instances) {
      const waiting = new Set(
        instances.flatMap(({ instance, isLiving, routes }) =>
          isLiving && routes && instance.SourceDestCheck === true ? (instance.InstanceId ?? []) : [],
        ),
      );
      for (const instanceId of troubles.keys()) if (!waiting.has(instanceId)) troubles.delete(instanceId);
      for (const instanceId of waiting) follow(instanceId);
    },
    troubleOf: (instanceId) => troubles.get(instanceId),
  };
}
