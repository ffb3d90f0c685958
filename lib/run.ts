import { execa } from "execa";

interface RunOptions {
  signal?: AbortSignal;
  /** Text for standard input; none by default. */
  input?: string | undefined;
  cwd?: string;
  env?: Record<string, string>;
  /** Whether the error has both outputs in the order they were printed (`all`); not by default. */
  all?: boolean;
  /** Between SIGTERM and SIGKILL; 5 seconds by default. */
  forceKillAfterMs?: number;
}

/**
 * Runs a program with an argument array, never through a shell, and returns its standard output. Ends the program with
 * its descendants when the signal aborts. Throws ExecaError (`shortMessage`, `stderr`, `exitCode`) unless it exits with
 * 0.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout } = await execa(command, args, {
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    ...(options.forceKillAfterMs === undefined ? {} : { forceKillAfterDelay: options.forceKillAfterMs }),
    all: options.all ?? false,
    killDescendants: true,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
