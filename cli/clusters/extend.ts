import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";

interface ExtendFlags {
  ttl: number;
}

export async function extendCluster(command: ClusterCommand<ExtendFlags>, idOrName: string): Promise<void> {
  const { client, context, flags } = command;
  const cluster = await client.extend(await client.resolve(idOrName), { ttlSeconds: flags.ttl });
  if (flags.json) writeJson(context, cluster);
  else context.stderr.write(`${cluster.name} is deleted at ${cluster.expiresAt}\n`);
}
