import type { Clock } from "#lib/clock.ts";
import type { Logger } from "../logger.ts";

/** What was refused, and which bound was reached. */
export interface Excess {
  what: "connection" | "request" | "held-request";
  by: "address" | "token" | "listener" | "connection";
}

export type ReportExcess = (excess: Excess, address: string | null | undefined) => void;

interface Options {
  logger: Logger;
  clock: Pick<Clock, "now">;
  count: (excess: Excess) => void;
}

const windowMs = 60_000;
const mostAddresses = 1000;

/**
 * Counts each refusal, and warns at once and then at most once a minute. A warning names the address with the most
 * refusals since the last one: an attacker must not fill the log.
 */
export function createReportExcess({ logger, clock, count }: Options): ReportExcess {
  let warnedAt = -Infinity;
  const refusals = new Map<string, number>();
  return (excess, address) => {
    count(excess);
    const key = address ?? "unknown";
    if (refusals.has(key) || refusals.size < mostAddresses) refusals.set(key, (refusals.get(key) ?? 0) + 1);
    const now = clock.now();
    if (now - warnedAt < windowMs) return;
    warnedAt = now;
    const [[most, times] = [key, 1]] = [...refusals].toSorted(([, one], [, other]) => other - one);
    logger.warn("Too many connections or requests; refusing further ones", {
      address: most,
      refused: times,
      addresses: refusals.size,
      ...excess,
    });
    refusals.clear();
  };
}
