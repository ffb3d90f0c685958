import { type Clock, pause } from "../../clusters/clock.ts";
import type { PowerTiming } from "./timing.ts";

const longestRetryAfterMs = 60_000;

/** Server errors that pass; 501 and 505 do not, and no 4xx but these two. */
export const isPassing = (status: number) => [408, 429, 500, 502, 503, 504].includes(status);

/** Whether nothing of the request can have arrived. */
export const wasNotSent = (error: unknown) =>
  ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"].includes(codeOf(error));

/** Of a controller that restarts, is overrun, or lost a connection that was kept open. */
export const isPassingError = (error: unknown) =>
  wasNotSent(error) || ["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"].includes(codeOf(error));

const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

export interface Backoff {
  /** Resolves when the next attempt may begin, or the signal aborts. */
  wait(retryAfter: string | undefined, signal: AbortSignal): Promise<void>;
}

/** Exponential, half of it by chance; where the controller says when (`Retry-After`), it is asked then. */
export function createBackoff(
  { clock, chance }: { clock: Clock; chance: () => number },
  { firstRetryMs, longestRetryMs }: PowerTiming,
): Backoff {
  let delayMs = firstRetryMs;
  return {
    async wait(retryAfter, signal) {
      const jittered = delayMs * (0.5 + chance() / 2);
      delayMs = Math.min(delayMs * 2, longestRetryMs);
      const asked = retryAfterMs(retryAfter, clock.now());
      await pause(clock, { delayMs: asked ?? jittered, signal });
    },
  };
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? undefined : Math.min(Math.max(milliseconds, 0), longestRetryAfterMs);
}
