import type { Environment } from "./environment.ts";
import { createStyle, type Style } from "./display/style.ts";

/** stdout or stderr; the three properties are there where it is a terminal. */
export type Terminal = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** All that a command touches of the process it runs in. */
export interface CliContext {
  /** Data: what a script reads. */
  stdout: Terminal;
  /** Progress and errors: what a person reads. */
  stderr: Terminal;
  environment: Environment;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
  now: () => number;
}

export const styleOf = (context: CliContext, stream: Terminal): Style =>
  createStyle(stream.isTTY === true && !context.environment.noColor && !context.environment.dumbTerminal);

/** Whether lines on this stream can be redrawn in place; a serial line may be a terminal without a size. */
export const isLive = (context: CliContext, stream: Terminal): boolean =>
  stream.isTTY === true && !context.environment.dumbTerminal && stream.columns !== 0;
