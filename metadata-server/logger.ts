export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** Static message plus fields; secrets never reach it. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const levels = ["info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/** Drops what is below the level. */
export function filterLogger(logger: Logger, level: LogLevel): Logger {
  const pass = (name: LogLevel) =>
    levels.indexOf(name) < levels.indexOf(level) ? () => undefined : logger[name].bind(logger);
  return { info: pass("info"), warn: pass("warn"), error: pass("error") };
}

/** JSON lines, for journald and log collectors. */
export function createJsonLogger(write: (line: string) => void): Logger {
  const log =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  return { info: log("info"), warn: log("warn"), error: log("error") };
}
