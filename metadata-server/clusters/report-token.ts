import type { NewAuditEntry } from "#api/audit.ts";
import type { MemberRecord } from "../store/records.ts";
import { auditAllowed, byNode } from "./audit.ts";

/**
 * Returns what the first use of a member's report token changes; undefined for a later use, or another token. From then
 * on its capability confirms nothing.
 */
export function firstUse(
  member: MemberRecord,
  { tokenHash, from, at }: { tokenHash: string; from: string | null; at: number },
): { member: MemberRecord; audit: NewAuditEntry } | undefined {
  if (member.reportTokenHash !== tokenHash || member.reportTokenUsedAt !== null) return undefined;
  const subject = { at, clusterId: member.clusterId, member: member.name };
  const audit = auditAllowed(byNode(member, from), { action: "report-token-use", ...subject });
  return { member: { ...member, reportTokenUsedAt: at }, audit };
}
