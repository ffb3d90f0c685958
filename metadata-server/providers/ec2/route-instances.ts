import { setTimeout as sleep } from "node:timers/promises";
import { ModifyInstanceAttributeCommand } from "@aws-sdk/client-ec2";
import type { OwnInstance } from "./describe-instances.ts";
import type { Ec2Lane } from "./ec2-clients.ts";
import { describeEc2Error, isThrottled, isUnknownInstance } from "./ec2-errors.ts";
import type { Ec2Context } from "./launch-instances.ts";

/** Packets of pods have neither the instance's address as their source nor as their destination. */
export async function letRoute(
  { consistencyMs, retryMs }: Pick<Ec2Context, "consistencyMs" | "retryMs">,
  { client, queue }: Ec2Lane,
  instanceId: string,
): Promise<void> {
  const deadline = Date.now() + consistencyMs;
  for (;;)
    try {
      const change = { InstanceId: instanceId, SourceDestCheck: { Value: false } };
      await queue(() => client.send(new ModifyInstanceAttributeCommand(change)));
      return;
    } catch (error) {
      const isEarly = isUnknownInstance(error) && Date.now() < deadline;
      if (!isEarly && !isThrottled(error))
        throw new Error(`Cannot switch off ${instanceId}'s source/destination check: ${describeEc2Error(error)}`, {
          cause: error,
        });
      await sleep(retryMs);
    }
}

export interface Routing {
  /** Returns when the first of them routes; the others follow. Throws where the first cannot. */
  start(instanceIds: readonly string[]): Promise<void>;
  /** Those that a crash, or EC2, left without. */
  finish(instances: readonly OwnInstance[]): void;
}

/**
 * One call for each instance, and EC2 takes five a second of them: nobody waits for all of them. What one is not allowed
 * to do the others are not either, so that waiting for one is enough to tell.
 */
export function createRouting(context: Ec2Context): Routing {
  const { clients } = context;
  const underWay = new Set<string>();
  const follow = (instanceId: string) => {
    if (underWay.has(instanceId)) return;
    underWay.add(instanceId);
    void letRoute(context, clients.background, instanceId)
      .catch(() => undefined)
      .finally(() => underWay.delete(instanceId));
  };
  return {
    async start([first, ...others]) {
      for (const instanceId of others) follow(instanceId);
      if (first !== undefined) await letRoute(context, clients.changes, first);
    },
    finish(instances) {
      for (const { instance, isLiving, routes } of instances)
        if (isLiving && routes && instance.SourceDestCheck === true) follow(instance.InstanceId ?? "");
    },
  };
}
