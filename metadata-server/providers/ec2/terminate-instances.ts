import { setTimeout as sleep } from "node:timers/promises";
import { TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { describeEc2Error, isThrottled, isUnknownInstance } from "./ec2-errors.ts";
import type { Ec2Context } from "./launch-instances.ts";

/** An instance that EC2 does not know by now is gone, or was launched so lately that it is asked for again. */
export async function terminateInstances(context: Ec2Context, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length === 0) return;
  const { clients, consistencyMs, retryMs } = context;
  const { client, queue } = clients.changes;
  const deadline = Date.now() + consistencyMs;
  for (;;)
    try {
      await queue(() => client.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] })));
      return;
    } catch (error) {
      if (isUnknownInstance(error)) {
        // One that is unknown keeps EC2 from ending the others.
        if (instanceIds.length > 1) {
          await Promise.all(instanceIds.map((id) => terminateInstances(context, [id])));
          return;
        }
        if (Date.now() >= deadline) return;
      } else if (!isThrottled(error))
        throw new Error(`Cannot end ${instanceIds.join(", ")}: ${describeEc2Error(error)}`, { cause: error });
      await sleep(retryMs);
    }
}
