import type { Command } from "commander";
import { loadConnection } from "../client/connection.ts";
import { createMachineClient, type MachineClient } from "../client/machine-client.ts";
import type { GlobalFlags } from "../clusters/command.ts";
import type { CliContext } from "../context.ts";
import { exitCodes, type ExitCode } from "../exit-code.ts";

/** What a command of the inventory works with. */
export interface MachineCommand<Flags> {
  context: CliContext;
  client: MachineClient;
  flags: Flags & GlobalFlags;
}

/** Turns a handler into a commander action: `handler` gets a connected client, its exit code goes to `end`. */
export function machineAction<Flags>(
  context: CliContext,
  end: (code: ExitCode) => void,
  /** `never`: commander has seen to it that the arguments are there. */
  handler: (command: MachineCommand<Flags>, ...operands: never[]) => Promise<ExitCode | void>,
) {
  return async (...values: unknown[]) => {
    const command = values.at(-1) as Command;
    const flags = command.optsWithGlobals<Flags & GlobalFlags>();
    const client = createMachineClient(await loadConnection(flags, context.environment), context);
    end((await handler({ context, client, flags }, ...(values.slice(0, -2) as never[]))) ?? exitCodes.ok);
  };
}
