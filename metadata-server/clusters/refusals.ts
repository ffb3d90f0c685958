import type { NewAuditEntry } from "#api/audit.ts";
import type { Origin } from "./audit.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { toTime } from "./lifecycle.ts";

export interface Refusal extends Origin {
  clusterId: string | null;
  member: string | null;
  /** The problem's code and what was said. */
  detail: string;
}

export interface RefusalLimiter {
  /** The entry to write; none where this window has enough of them, then it is only counted. */
  take(refusal: Refusal, at: number): NewAuditEntry[];
  /** Once a window is over: entries that tell how many were only counted. */
  summarize(at: number): NewAuditEntry[];
}

const windowMs = 60_000;
/** Entries of a window for one address and for all: a flood of a day and a half fits a log of 100,000. */
const mostOfOneAddress = 5;
const mostOfAll = 30;
const mostSummaries = 10;
const mostAddresses = 1000;

interface Counted {
  written: number;
  unwritten: number;
  last: Refusal;
}

/** Whoever is refused decides how often: without a limit he could push everything else out of the log. */
export function createRefusalLimiter(): RefusalLimiter {
  let startedAt: number | undefined;
  let written = 0;
  const byAddress = new Map<string, Counted>();
  /** Addresses beyond those that are told apart share one count. */
  const keyOf = (from: string | null) =>
    from !== null && (byAddress.has(from) || byAddress.size < mostAddresses) ? from : "";

  return {
    take(refusal, at) {
      startedAt ??= at;
      const key = keyOf(refusal.from);
      const counted = byAddress.get(key) ?? { written: 0, unwritten: 0, last: refusal };
      byAddress.set(key, counted);
      counted.last = refusal;
      if (counted.written >= mostOfOneAddress || written >= mostOfAll) {
        counted.unwritten += 1;
        return [];
      }
      counted.written += 1;
      written += 1;
      return [toEntry(refusal, at)];
    },
    summarize(at) {
      if (startedAt === undefined || at - startedAt < windowMs) return [];
      const unwritten = [...byAddress.values()].filter((counted) => counted.unwritten > 0);
      const most = unwritten.toSorted((one, other) => other.unwritten - one.unwritten);
      byAddress.clear();
      startedAt = undefined;
      written = 0;
      return [
        ...most.slice(0, mostSummaries).map(({ unwritten: times, last }) => summaryOf(times, last, at)),
        ...summaryOfRest(most.slice(mostSummaries), at),
      ];
    },
  };
}

const toEntry = ({ actor, from, clusterId, member, detail }: Refusal, at: number): NewAuditEntry => ({
  at: toTime(at),
  action: "refuse",
  outcome: "refused",
  actor,
  from,
  clusterId,
  member,
  detail: detail.slice(0, 1000),
});

const summaryOf = (times: number, last: Refusal, at: number) =>
  toEntry({ ...last, detail: `${times} more within ${windowMs / 1000} s, the last of them: ${last.detail}` }, at);

function summaryOfRest(rest: readonly Counted[], at: number): NewAuditEntry[] {
  if (rest.length === 0) return [];
  const times = rest.reduce((sum, { unwritten }) => sum + unwritten, 0);
  const detail = `${times} more within ${windowMs / 1000} s from ${rest.length} other addresses`;
  return [toEntry({ actor: "unknown", from: null, clusterId: null, member: null, detail }, at)];
}

/** A refusal that changes nothing else. It is refused all the same where it cannot be written. */
export async function recordRefusal(
  { store, clock, refusals, logger }: Pick<ClusterDependencies, "store" | "clock" | "refusals" | "logger">,
  refusal: Refusal,
): Promise<void> {
  const audit = refusals.take(refusal, clock.now());
  if (audit.length === 0) return;
  try {
    await store.commit({ audit });
  } catch (error) {
    logger.error("Refusal is not in the audit log", { ...refusal, error: String(error) });
  }
}

export async function recordRefusalSummaries({ store, clock, refusals }: ClusterDependencies): Promise<void> {
  const audit = refusals.summarize(clock.now());
  if (audit.length > 0) await store.commit({ audit });
}
