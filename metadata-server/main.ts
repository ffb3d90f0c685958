import { readEnvironment } from "./cli/environment.ts";
import { runProgram } from "./cli/program.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());

process.exitCode = await runProgram(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: readEnvironment(),
    signal: interrupted.signal,
    now: Date.now,
  },
  [],
);
