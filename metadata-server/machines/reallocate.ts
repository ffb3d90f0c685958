import { createAllocationId, type RandomBytes } from "../clusters/identifiers.ts";
import type { MemberRecord } from "../store/records.ts";

/**
 * A node whose machine ran from memory and boots anew: it has lost all that it was given, so it is another allocation of the
 * same member, with new credentials. What was handed out to the last one opens nothing here any more.
 */
export function reallocate(member: MemberRecord, { random, now }: { random: RandomBytes; now: number }): MemberRecord {
  return {
    ...member,
    allocation: createAllocationId(random),
    state: "launched",
    capabilityHash: null,
    spentCapabilityHash: null,
    reportTokenHash: null,
    reportTokenUsedAt: null,
    bound: null,
    claims: 0,
    confirmedAt: null,
    phase: null,
    phases: [],
    lastSequence: 0,
    launchedAt: now,
    firstContactAt: null,
    lastReportAt: null,
    failure: null,
  };
}
