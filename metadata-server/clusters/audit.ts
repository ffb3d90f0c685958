import type { AuditAction, NewAuditEntry } from "#api/audit.ts";
import type { MemberRecord } from "../store/records.ts";
import { toTime } from "./lifecycle.ts";

/** Who decides something, and the address that the call came from. */
export interface Actor {
  actor: string;
  from: string | null;
}

/** The server itself: deadlines, times to live, and other decisions without a caller. */
export const bySprout: Actor = { actor: "sprout", from: null };

export const byNode = ({ name }: Pick<MemberRecord, "name">, from: string | null): Actor => ({
  actor: `node ${name}`,
  from,
});

interface Allowed {
  action: Exclude<AuditAction, "refuse">;
  at: number;
  /** Null if no cluster is concerned. */
  clusterId: string | null;
  member?: string;
  detail?: string;
}

/** Audit entry for the commit that makes the change. */
export const auditAllowed = (
  { actor, from }: Actor,
  { action, at, clusterId, member, detail }: Allowed,
): NewAuditEntry => ({
  at: toTime(at),
  action,
  outcome: "allowed",
  actor,
  from,
  clusterId,
  member: member ?? null,
  ...(detail === undefined ? {} : { detail }),
});
