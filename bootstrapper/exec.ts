import { execa } from "execa";
import { BootstrapError } from "./errors.ts";

export interface ExecOptions {
  signal: AbortSignal;
  /** Takes what looks like a secret out of the output that is kept. */
  redact: (text: string) => string;
  /** For its standard input; without, that is empty. */
  input?: string | undefined;
}

const maxTailCharacters = 8000;
const forceKillAfterMs = 1000;

/**
 * Runs a program from PATH with an argument list, never through a shell; ends it with all its descendants when the
 * signal aborts. Returns its standard output. Throws BootstrapError `kubernetes` with the redacted tail of the output.
 */
export async function exec(
  command: readonly [string, ...string[]],
  { signal, redact, input }: ExecOptions,
): Promise<string> {
  const [file, ...args] = command;
  const result = await execa(file, args, {
    all: true,
    cancelSignal: signal,
    forceKillAfterDelay: forceKillAfterMs,
    killDescendants: true,
    reject: false,
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
  });
  if (!result.failed) return result.stdout;
  const name = [file, ...args.slice(0, 4)].join(" ");
  const reason = result.isCanceled ? "the deadline passed" : lastLine(result.all) || result.shortMessage;
  throw new BootstrapError("kubernetes", redact(`Cannot run "${name}": ${reason}`), {
    cause: result,
    logTail: redact(result.all ?? "").slice(-maxTailCharacters),
  });
}

const lastLine = (output = "") =>
  output
    .trim()
    .split("\n")
    .findLast((line) => line.trim() !== "" && !line.startsWith("To see the stack trace")) ?? "";
