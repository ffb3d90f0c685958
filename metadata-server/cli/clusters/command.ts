import type { Command } from "commander";
import { createApiClient, type ApiClient } from "../client/api-client.ts";
import { loadConnection, type ConnectionFlags } from "../client/connection.ts";
import type { CliContext } from "../context.ts";
import { exitCodes, type ExitCode } from "../exit-code.ts";

export interface GlobalFlags extends ConnectionFlags {
  json?: boolean;
}

/** What a command of the cluster API works with. */
export interface ClusterCommand<Flags> {
  context: CliContext;
  client: ApiClient;
  flags: Flags & GlobalFlags;
}

/** Turns a handler into a commander action: `handler` gets a connected client, its exit code goes to `end`. */
export function clusterAction<Flags>(
  context: CliContext,
  end: (code: ExitCode) => void,
  /** `never`: commander has seen to it that the argument is there, unless it is declared as optional. */
  handler: (command: ClusterCommand<Flags>, argument: never, second: never) => Promise<ExitCode | void>,
) {
  return async (...values: unknown[]) => {
    const command = values.at(-1) as Command;
    const flags = command.optsWithGlobals<Flags & GlobalFlags>();
    const connection = await loadConnection(flags, context.environment);
    const client = createApiClient(connection, context);
    end((await handler({ context, client, flags }, values[0] as never, values[1] as never)) ?? exitCodes.ok);
  };
}

export const writeJson = (context: CliContext, value: unknown): void =>
  void context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
