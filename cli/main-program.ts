import { enableCompileCache, registerHooks } from "node:module";
import { constants } from "node:os";
import path from "node:path";

// Keeps compiled code next to the packages, which halves the start. Without write access there it compiles each time.
enableCompileCache(path.join(import.meta.dirname, "../node_modules/.cache/sprout"));
// zod loads its messages in fifty languages, which takes as long as zod itself; only the English ones are used.
registerHooks({
  load: (url, context, nextLoad) =>
    url.endsWith("/zod/v4/locales/index.js")
      ? { format: "module", source: 'export { default as en } from "./en.js";', shortCircuit: true }
      : nextLoad(url, context),
});
const [{ readEnvironment }, { exitCodes }, { runProgram }] = await Promise.all([
  import("./environment.ts"),
  import("./exit-code.ts"),
  import("./program.ts"),
]);

// A reader that has enough, such as head, ends the command without a word. Other programs are killed by SIGPIPE then,
// which a shell reports as this: what the command was to wait for or change may not be done.
const brokenPipe = 128 + constants.signals.SIGPIPE;
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(brokenPipe);
  });

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  // Not `once`: libraries that restore the cursor end the process when they find no other listener.
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    interrupted.abort();
  });

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: readEnvironment(),
  signal: interrupted.signal,
  now: Date.now,
});
