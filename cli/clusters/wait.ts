import type { Cluster } from "#api/cluster.ts";
import { holds, type WaitCondition } from "#api/wait.ts";
import { renderFailure, renderUnavailable } from "../display/cluster-view.ts";
import { formatDuration } from "../display/duration.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import { followCluster } from "../timeline/follow.ts";
import { renderSummary } from "../timeline/summary.ts";
import type { ClusterCommand } from "../action.ts";
import { styleOf, writeJson } from "../context.ts";

export interface WaitFlags {
  for: WaitCondition;
  timeout: number;
}

export async function waitCommand(command: ClusterCommand<WaitFlags>, idOrName: string): Promise<ExitCode> {
  const { client, context, flags } = command;
  try {
    const cluster = await client.get(await client.resolve(idOrName));
    return await waitForCluster(command, cluster, { condition: flags.for, timeoutMs: flags.timeout * 1000 });
  } catch (error) {
    if (flags.for !== "deleted" || !isNotFound(error)) throw error;
    // As `kubectl wait --for=delete`: a missing cluster needs no wait.
    context.stderr.write(`No cluster is named ${idOrName}\n`);
    return exitCodes.ok;
  }
}

const isNotFound = (error: unknown) => error instanceof CliError && error.exitCode === exitCodes.notFound;

/** Waits with the timeline on stderr. With `--json` prints the cluster at the end. */
export async function waitForCluster(
  { client, context, flags }: ClusterCommand,
  cluster: Cluster,
  { condition, timeoutMs, proofTimeoutMs }: { condition: WaitCondition; timeoutMs: number; proofTimeoutMs?: number },
): Promise<ExitCode> {
  const style = styleOf(context, context.stderr);
  if (condition === "deleted") {
    const deleted = await client.wait(cluster.id, { condition, timeoutMs });
    if (flags.json) writeJson(context, deleted);
    else context.stderr.write(`${cluster.name} is deleted\n`);
    return exitCodes.ok;
  }
  const { cluster: settled, timeline } = await followCluster(cluster, context, {
    client,
    condition,
    timeoutMs,
    proofTimeoutMs,
  });
  if (flags.json) writeJson(context, settled);
  if (!holds(settled, condition)) {
    context.stderr.write(style("red", `${settled.name} is ${settled.state}, not ${condition}\n`));
    context.stderr.write(renderFailure(settled) + renderUnavailable(settled));
    return exitCodes.failed;
  }
  context.stderr.write(`${renderSummary(timeline, style)}\n`);
  if (settled.availableAt !== null && condition === "available")
    context.stderr.write(
      `Available after ${formatDuration(Date.parse(settled.availableAt) - Date.parse(settled.createdAt))}\n`,
    );
  return exitCodes.ok;
}
