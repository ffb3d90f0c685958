import { TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { retry } from "#lib/retry.ts";
import type { Ec2Context } from "./ec2-clients.ts";
import { describeEc2Error, isThrottled, isUnknownInstance } from "./ec2-errors.ts";

/** Terminates instances. An unknown one may be too new for EC2's list, so it is retried; then it counts as gone. */
export async function terminateInstances(context: Ec2Context, instanceIds: readonly string[]): Promise<void> {
  if (instanceIds.length === 0) return;
  const { clients, consistencyMs, retryMs } = context;
  const { client, queue } = clients.changes;
  const deadline = Date.now() + consistencyMs;
  const isEarly = (error: unknown) => isUnknownInstance(error) && instanceIds.length === 1 && Date.now() < deadline;
  const terminate = () => queue(() => client.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] })));
  try {
    await retry(terminate, {
      delays: { firstMs: retryMs, factor: 1 },
      isRetriable: (error) => isThrottled(error) || isEarly(error),
    });
  } catch (error) {
    if (!isUnknownInstance(error))
      throw new Error(`Cannot terminate ${instanceIds.join(", ")}: ${describeEc2Error(error)}`, { cause: error });
    // One unknown instance keeps EC2 from terminating the others.
    if (instanceIds.length > 1) await Promise.all(instanceIds.map((id) => terminateInstances(context, [id])));
  }
}
