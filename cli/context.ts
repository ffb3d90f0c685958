import type { Environment } from "./environment.ts";
import { createStyle, type Display, type Style } from "./display/style.ts";

/** stdout or stderr; a terminal has the three properties. */
export type Terminal = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** Everything that a command uses of its process. */
export interface CliContext {
  /** Data, for scripts. */
  stdout: Terminal;
  /** Progress and errors, for people. */
  stderr: Terminal;
  environment: Environment;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
  now: () => number;
}

export const styleOf = (context: CliContext, stream: Terminal): Style =>
  createStyle(stream.isTTY === true && !context.environment.noColor && !context.environment.dumbTerminal);

/** How to render for stdout. */
export const displayOf = (context: CliContext): Display => ({
  now: context.now(),
  style: styleOf(context, context.stdout),
});

/** Whether lines on this stream can be redrawn in place. A serial line may be a terminal without a size. */
export const isLive = (context: CliContext, stream: Terminal): boolean =>
  stream.isTTY === true && !context.environment.dumbTerminal && stream.columns !== 0;

export const writeJson = (context: CliContext, value: unknown): void =>
  void context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
