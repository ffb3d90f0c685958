import type { ExitCode } from "../exit-code.ts";
import { exitCodes } from "../exit-code.ts";
import type { ClusterCommand } from "../action.ts";
import { writeJson } from "../context.ts";
import { waitForCluster } from "./wait.ts";

interface DeleteFlags {
  wait?: boolean;
  timeout: number;
}

export async function deleteCluster(command: ClusterCommand<DeleteFlags>, idOrName: string): Promise<ExitCode> {
  const { client, context, flags } = command;
  const cluster = await client.delete(await client.resolve(idOrName));
  if (flags.wait) return waitForCluster(command, cluster, { condition: "deleted", timeoutMs: flags.timeout * 1000 });
  if (flags.json) writeJson(context, cluster);
  else context.stderr.write(`${cluster.name} is being deleted\n`);
  return exitCodes.ok;
}
