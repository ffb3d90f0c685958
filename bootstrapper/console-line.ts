export interface ConsoleLine {
  level: "info" | "warn" | "error";
  message: string;
  [field: string]: unknown;
}

/** Returns a JSON line for the console, with the time in front. It redacts nothing. */
export const consoleLine = (line: ConsoleLine, at = new Date()): string =>
  `${JSON.stringify({ time: at.toISOString(), ...line })}\n`;
