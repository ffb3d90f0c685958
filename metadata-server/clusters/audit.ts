import type { AuditAction, NewAuditEntry } from "#api/audit.ts";
import type { MemberRecord } from "../store/records.ts";
import { toTime } from "./lifecycle.ts";

/** Who decides something, and the address of the connection that the call came by. */
export interface Origin {
  actor: string;
  from: string | null;
}

/** Deadlines, the time to live and whatever else nobody asked for. */
export const bySprout: Origin = { actor: "sprout", from: null };

export const byNode = ({ name }: Pick<MemberRecord, "name">, from: string | null): Origin => ({
  actor: `node ${name}`,
  from,
});

interface Allowed {
  action: Exclude<AuditAction, "refuse">;
  at: number;
  /** Null where it is about no cluster. */
  clusterId: string | null;
  member?: string;
  detail?: string;
}

/** For the same commit as what it tells of. */
export const auditAllowed = (
  { actor, from }: Origin,
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
