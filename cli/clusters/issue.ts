import type { UserDataFormat } from "#api/user-data.ts";
import { replaceFile } from "#lib/replace-file.ts";
import type { ClusterCommand } from "../action.ts";

interface OutputFlags {
  /** A file; stdout by default. */
  output?: string;
}

interface KubeconfigFlags extends OutputFlags {
  ttl?: number;
}

export async function printKubeconfig(command: ClusterCommand<KubeconfigFlags>, idOrName: string): Promise<void> {
  const { client, flags } = command;
  await print(command, await client.kubeconfig(await client.resolve(idOrName), { ttlSeconds: flags.ttl }));
}

interface UserDataFlags extends OutputFlags {
  format: UserDataFormat;
}

export async function printUserData(
  command: ClusterCommand<UserDataFlags>,
  idOrName: string,
  member: string,
): Promise<void> {
  const { client, flags } = command;
  await print(command, await client.userData(await client.resolve(idOrName), { member, format: flags.format }));
}

async function print({ context, flags }: ClusterCommand<OutputFlags>, secret: string): Promise<void> {
  if (flags.output === undefined || flags.output === "-") context.stdout.write(secret);
  else await replaceFile(flags.output, secret);
}
