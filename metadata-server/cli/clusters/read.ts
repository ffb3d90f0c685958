import type { ClusterState } from "#api/cluster.ts";
import { styleOf, type CliContext } from "../context.ts";
import { renderCluster, renderClusterList } from "../display/cluster-view.ts";
import { renderEventLine } from "../timeline/line.ts";
import { writeJson, type ClusterCommand } from "./command.ts";

const display = (context: CliContext) => ({ now: context.now(), style: styleOf(context, context.stdout) });

export async function listClusters(command: ClusterCommand<{ state?: ClusterState; all?: boolean }>): Promise<void> {
  const { client, context, flags } = command;
  const found = await client.list({ state: flags.state });
  const clusters =
    flags.all || flags.state !== undefined ? found : found.filter((cluster) => cluster.state !== "deleted");
  if (flags.json) writeJson(context, clusters);
  else context.stdout.write(renderClusterList(clusters, display(context)));
}

export async function getCluster({ client, context, flags }: ClusterCommand<object>, idOrName: string): Promise<void> {
  const cluster = await client.get(await client.resolve(idOrName));
  if (flags.json) writeJson(context, cluster);
  else context.stdout.write(renderCluster(cluster, display(context)));
}

/** Events as lines, or as JSON lines; those so far, or all that come until the cluster is deleted. */
export async function printEvents(
  { client, context, flags }: ClusterCommand<{ follow?: boolean }>,
  idOrName: string,
): Promise<void> {
  const cluster = await client.get(await client.resolve(idOrName));
  const startedAt = Date.parse(cluster.createdAt);
  for await (const event of client.events(cluster.id, { follow: flags.follow === true }))
    context.stdout.write(`${flags.json ? JSON.stringify(event) : renderEventLine(event, startedAt)}\n`);
}
