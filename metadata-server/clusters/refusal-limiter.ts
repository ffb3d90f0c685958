import type { NewAuditEntry } from "#api/audit.ts";
import type { Actor } from "./audit.ts";
import { toTime } from "./lifecycle.ts";

export interface Refusal extends Actor {
  clusterId: string | null;
  member: string | null;
  /** Code and message of the problem. */
  detail: string;
}

export interface RefusalLimiter {
  /** Returns the entry to write. The list is empty if the window has enough entries; the refusal is counted. */
  take(refusal: Refusal, at: number): NewAuditEntry[];
  /** Returns entries with the number of those that were only counted, once a window has ended. */
  summarize(at: number): NewAuditEntry[];
}

const windowMs = 60_000;
/** Entries in one window, for one address and for all. A log of 100,000 entries holds a flood of a day and a half. */
const mostOfOneAddress = 5;
const mostOfAll = 30;
const mostSummaries = 10;
const mostAddresses = 1000;

interface Counted {
  written: number;
  unwritten: number;
  last: Refusal;
}

/** An attacker controls how often refusals happen. Without a limit they would crowd out the rest of the audit log. */
export function createRefusalLimiter(): RefusalLimiter {
  let startedAt: number | undefined;
  let written = 0;
  const byAddress = new Map<string, Counted>();
  /** Addresses beyond `mostAddresses` share one count. */
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
