const longestMs = 60_000;

/**
 * Returns the pause that a `Retry-After` header asks for, in milliseconds: seconds or a date (RFC 9110, section
 * 10.2.3).
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? undefined : Math.min(Math.max(milliseconds, 0), longestMs);
}
