import { createAllocationId, type RandomBytes } from "../clusters/identifiers.ts";
import { unheard } from "../clusters/unheard-member.ts";
import type { MemberRecord } from "../store/records.ts";

/**
 * A node whose machine ran from memory and boots anew: it has lost all that it was given, so it is another allocation of the
 * same member, with new credentials. What was handed out to the last one opens nothing here any more.
 */
export function reallocate(member: MemberRecord, { random, now }: { random: RandomBytes; now: number }): MemberRecord {
  return {
    ...member,
    ...unheard,
    allocation: createAllocationId(random),
    capabilityHash: null,
    state: "launched",
    launchedAt: now,
  };
}
