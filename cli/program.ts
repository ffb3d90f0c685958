import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { defaultServer } from "./client/connection.ts";
import { commandEntries } from "./commands.ts";
import { styleOf, type CliContext } from "./context.ts";
import { printable } from "./display/printable.ts";
import { CliError, exitCodeHelp, exitCodes, type ExitCode } from "./exit-code.ts";

const environmentHelp = `
Environment:
  SPROUT_SERVER    the server's URL, in place of --server
  SPROUT_TOKEN     the API token, in place of --token-file
  SPROUT_DATA_DIR  the data directory, in place of --data-dir
  NO_COLOR         print no colours`;

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const end = (code: ExitCode) => {
    exitCode = code;
  };
  try {
    const program = await createProgram(context, { isWanted: (name) => argv.includes(name), end });
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportError(error, context);
  }
}

/** Returns the command tree. Only wanted commands are loaded; the others have a name and a description. */
export async function createProgram(
  context: CliContext,
  { isWanted, end }: { isWanted: (name: string) => boolean; end: (code: ExitCode) => void },
): Promise<Command> {
  const program = new Command("sprout")
    .version(packageJson.version, "-V, --version", "print the version")
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
      getOutHelpWidth: () => context.stdout.columns ?? 80,
    })
    .exitOverride();
  for (const { name, description, load } of commandEntries) {
    const command = program.command(name).description(description);
    if (isWanted(name)) (await load())(command, context, end);
  }
  return program;
}

function reportError(error: unknown, context: CliContext): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (context.signal.aborted) {
    context.stderr.write("Interrupted\n");
    return exitCodes.interrupted;
  }
  const style = styleOf(context, context.stderr);
  context.stderr.write(`${style("red", "Error:")} ${printable(toMessage(error))}\n`);
  return error instanceof CliError ? error.exitCode : exitCodes.failed;
}

const mistakes = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError"]);

/** A bug is printed with its stack, so that it can be reported; other errors say what is wrong and how to fix it. */
const toMessage = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return mistakes.has(error.name) ? (error.stack ?? error.message) : error.message;
};
