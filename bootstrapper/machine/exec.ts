import { ExecaError } from "execa";
import { run } from "#lib/run.ts";
import { BootstrapError } from "../errors.ts";

interface ExecOptions {
  signal: AbortSignal;
  /** Removes whatever looks like a secret from the output that is kept. */
  redact: (text: string) => string;
  /** Standard input; empty if undefined. */
  input?: string | undefined;
}

const maxTailCharacters = 8000;
const forceKillAfterMs = 1000;

/**
 * Runs a program from PATH with a list of arguments, never through a shell. Kills it and all its descendants when the
 * signal aborts. Returns its standard output. Throws BootstrapError `kubernetes` with the redacted tail of the output.
 */
export async function exec(
  command: readonly [string, ...string[]],
  { signal, redact, input }: ExecOptions,
): Promise<string> {
  const [file, ...args] = command;
  try {
    return await run(file, args, { signal, input, all: true, forceKillAfterMs });
  } catch (cause) {
    if (!(cause instanceof ExecaError)) throw cause;
    const { isCanceled, shortMessage } = cause;
    // No output if the program could not be started.
    const all = typeof cause.all === "string" ? cause.all : "";
    const name = [file, ...args.slice(0, 4)].join(" ");
    const reason = isCanceled ? "the deadline passed" : lastLine(all) || shortMessage;
    throw new BootstrapError("kubernetes", redact(`Cannot run "${name}": ${reason}`), {
      cause,
      logTail: redact(all).slice(-maxTailCharacters),
    });
  }
}

const lastLine = (output: string) =>
  output
    .trim()
    .split("\n")
    .findLast((line) => line.trim() !== "" && !line.startsWith("To see the stack trace")) ?? "";
