import { execa } from "execa";

export interface RunOptions {
  signal?: AbortSignal;
  /** Text for standard input; none by default. */
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
}

/**
 * Runs a program with an argument array, never through a shell, and returns what it printed. It dies with its
 * descendants when the signal aborts. Throws execa's error (`shortMessage`, `stderr`, `exitCode`) on any other exit than 0.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout } = await execa(command, args, {
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    killDescendants: true,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
