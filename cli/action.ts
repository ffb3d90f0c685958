import type { Command } from "commander";
import type { ApiClient } from "./client/api-client.ts";
import { type Connection, type ConnectionFlags, loadConnection } from "./client/connection.ts";
import type { MachineClient } from "./client/machine-client.ts";
import type { CliContext } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";

interface GlobalFlags extends ConnectionFlags {
  json?: boolean;
}

/** What the handler of a command gets. */
interface ClientCommand<Client, Flags> {
  context: CliContext;
  client: Client;
  flags: Flags & GlobalFlags;
}
export type ClusterCommand<Flags = object> = ClientCommand<ApiClient, Flags>;
export type MachineCommand<Flags = object> = ClientCommand<MachineClient, Flags>;

/** Operands are `never`: commander has checked that the required ones are there. Without an exit code it is 0. */
type Handler<Client, Flags> = (command: ClientCommand<Client, Flags>, ...operands: never[]) => Promise<ExitCode | void>;

/**
 * Returns a function that turns handlers into commander actions. An action connects, loads its handler, runs it, and
 * gives the exit code to `end`.
 */
export const createAction =
  <Client>(
    context: CliContext,
    end: (code: ExitCode) => void,
    connect: (connection: Connection, context: CliContext) => Client,
  ) =>
  <Flags>(load: () => Promise<Handler<Client, Flags>>) =>
  async (...values: unknown[]): Promise<void> => {
    const flags = (values.at(-1) as Command).optsWithGlobals<Flags & GlobalFlags>();
    const client = connect(await loadConnection(flags, context.environment), context);
    const handler = await load();
    end((await handler({ context, client, flags }, ...(values.slice(0, -2) as never[]))) ?? exitCodes.ok);
  };
