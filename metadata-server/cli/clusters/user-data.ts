import type { UserDataFormat } from "#api/user-data.ts";
import type { ClusterCommand } from "./command.ts";
import { writeSecretFile } from "./kubeconfig.ts";

export interface UserDataFlags {
  format: UserDataFormat;
  output?: string;
}

export async function printUserData(
  { client, context, flags }: ClusterCommand<UserDataFlags>,
  idOrName: string,
  member: string,
): Promise<void> {
  const userData = await client.userData(await client.resolve(idOrName), { member, format: flags.format });
  if (flags.output === undefined || flags.output === "-") context.stdout.write(userData);
  else await writeSecretFile(flags.output, userData);
}
