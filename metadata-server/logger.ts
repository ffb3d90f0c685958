type LogFields = Record<string, string | number | boolean | null | undefined>;

/** Takes a static message and fields. No secret may reach it. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const levels = ["info", "warn", "error"] as const;
type LogLevel = (typeof levels)[number];

/** Writes JSON lines, for journald and log collectors. Drops lines below the lowest level. */
export function createJsonLogger(write: (line: string) => void, lowest: LogLevel = "info"): Logger {
  const log = (level: LogLevel) => {
    if (levels.indexOf(level) < levels.indexOf(lowest)) return () => undefined;
    return (message: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  };
  return { info: log("info"), warn: log("warn"), error: log("error") };
}
