import { Command, CommanderError } from "commander";
import { addAuditCommand } from "./audit.ts";
import { addClusterCommands } from "./clusters/program.ts";
import { defaultServer } from "./client/connection.ts";
import { styleOf, type CliContext } from "./context.ts";
import { addMachineCommands } from "./machines/program.ts";
import { CliError, exitCodeHelp, exitCodes, type ExitCode } from "./exit-code.ts";

/** Adds commands to the program; `end` sets the exit code of a command that did its work. */
export type AddCommands = (program: Command, context: CliContext, end: (code: ExitCode) => void) => void;

const environmentHelp = `
Environment:
  SPROUT_SERVER    the server's URL, instead of --server
  SPROUT_TOKEN     the API token, instead of --token-file
  SPROUT_DATA_DIR  the data directory, instead of --data-dir
  NO_COLOR         no colours`;

/** Runs one command line (without `node` and the script). Never throws: every end is an exit code. */
export async function runProgram(
  argv: readonly string[],
  context: CliContext,
  addCommands: readonly AddCommands[],
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const end = (code: ExitCode) => {
    exitCode = code;
  };
  const program = new Command("sprout")
    .description("Freshly imaged machines become a Ready Kubernetes cluster in seconds.")
    .option("--server <URL>", `the metadata server (default: ${defaultServer})`)
    .option("--ca <FILE>", "the authority that signed the server's certificate (default: DATA-DIR/tls/ca.crt)")
    .option("--token-file <FILE>", "the API token (default: DATA-DIR/token)")
    .option("--data-dir <DIR>", "where the server on this host keeps its data", context.environment.dataDir)
    .option("--json", "one JSON document on stdout (events: JSON lines)")
    .addHelpText("after", `${environmentHelp}\n${exitCodeHelp}`)
    .showHelpAfterError("(see --help)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride();
  for (const add of [addClusterCommands, addMachineCommands, addAuditCommand, ...addCommands])
    add(program, context, end);
  inheritSettings(program);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportError(error, context);
  }
}

/** Commander copies settings to a subcommand when it is made, so those made before a later change lack it. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}

function reportError(error: unknown, context: CliContext): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (context.signal.aborted) {
    context.stderr.write("Interrupted\n");
    return exitCodes.interrupted;
  }
  const style = styleOf(context, context.stderr);
  context.stderr.write(`${style("red", "Error:")} ${toMessage(error)}\n`);
  return error instanceof CliError ? error.exitCode : exitCodes.failed;
}

const mistakes = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError"]);

/** A mistake in the program keeps its stack, so that it can be reported; all else says what is wrong and how to mend it. */
const toMessage = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return mistakes.has(error.name) ? (error.stack ?? error.message) : error.message;
};
