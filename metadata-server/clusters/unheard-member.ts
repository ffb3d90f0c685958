import type { MemberRecord } from "../store/records.ts";

/** What the record of a member has before its machine has called for the first time. */
export const unheard = {
  spentCapabilityHash: null,
  reportTokenHash: null,
  reportTokenUsedAt: null,
  bound: null,
  claims: 0,
  confirmedAt: null,
  phase: null,
  phases: [],
  lastSequence: 0,
  launchedAt: null,
  firstContactAt: null,
  lastReportAt: null,
  failure: null,
} satisfies Partial<MemberRecord>;
