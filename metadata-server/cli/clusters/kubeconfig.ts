import { open, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import type { ClusterCommand } from "./command.ts";

export interface KubeconfigFlags {
  output?: string;
  ttl?: number;
}

export async function printKubeconfig(command: ClusterCommand<KubeconfigFlags>, idOrName: string): Promise<void> {
  const { client, context, flags } = command;
  const kubeconfig = await client.kubeconfig(await client.resolve(idOrName), { ttlSeconds: flags.ttl });
  if (flags.output === undefined || flags.output === "-") context.stdout.write(kubeconfig);
  else await writeSecretFile(flags.output, kubeconfig);
}

/** 0600 and whole, or not there: the file holds a key. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
