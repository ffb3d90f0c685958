import type { ClusterState } from "#api/cluster.ts";
import { renderCluster, renderClusterList } from "../display/cluster-view.ts";
import { renderEventLine } from "../timeline/line.ts";
import type { ClusterCommand } from "../action.ts";
import { displayOf, writeJson } from "../context.ts";

export async function listClusters(command: ClusterCommand<{ state?: ClusterState; all?: boolean }>): Promise<void> {
  const { client, context, flags } = command;
  const found = await client.list({ state: flags.state });
  const clusters =
    flags.all || flags.state !== undefined ? found : found.filter((cluster) => cluster.state !== "deleted");
  if (flags.json) writeJson(context, clusters);
  else context.stdout.write(renderClusterList(clusters, displayOf(context)));
}

export async function getCluster({ client, context, flags }: ClusterCommand, idOrName: string): Promise<void> {
  const cluster = await client.get(await client.resolve(idOrName));
  if (flags.json) writeJson(context, cluster);
  else context.stdout.write(renderCluster(cluster, displayOf(context)));
}

/** Prints events as text or JSON lines: those so far, or with `follow` all until the cluster is deleted. */
export async function printEvents(
  { client, context, flags }: ClusterCommand<{ follow?: boolean }>,
  idOrName: string,
): Promise<void> {
  const cluster = await client.get(await client.resolve(idOrName));
  const startedAt = Date.parse(cluster.createdAt);
  for await (const event of client.events(cluster.id, { follow: flags.follow === true }))
    context.stdout.write(`${flags.json ? JSON.stringify(event) : renderEventLine(event, startedAt)}\n`);
}
