import { z } from "zod";

/** What was done. Every entry is written with the decision it tells of: none without the other. */
export const auditActions = [
  "cluster-create",
  "cluster-extend",
  "cluster-delete",
  "kubeconfig-issue",
  /** To whoever launches a machine that Sprout does not launch itself. */
  "user-data-issue",
  /** To a machine that boots over the network. */
  "capability-issue",
  "capability-use",
  "claim",
  "confirm",
  "report-token-use",
  /** A machine, by an operator or by rule. */
  "approve",
  "machine-refuse",
  "machine-register",
  "machine-change",
  "machine-release",
  "machine-power",
  "machine-delete",
  "approval-rules",
  /** Of whoever asked, by Sprout. */
  "refuse",
] as const;

export const AuditAction = z.enum(auditActions).meta({ id: "AuditAction" });
export type AuditAction = z.infer<typeof AuditAction>;

/** Who did what, to what, from where. No secret and no token, only what tells them apart. */
export const AuditEntry = z
  .strictObject({
    /** Counts from 1 for the whole server, without gaps; the oldest are dropped. */
    sequence: z.int().positive(),
    at: z.iso.datetime(),
    action: AuditAction,
    outcome: z.enum(["allowed", "refused"]),
    /** `api` with the API token, `node NAME` with a member's capability or report token, `unknown`, `sprout` by itself. */
    actor: z.string().min(1).max(300),
    /** Address of the caller's connection; null where Sprout acted by itself. */
    from: z.string().max(60).nullable(),
    clusterId: z.string().max(60).nullable(),
    member: z.string().max(253).nullable(),
    /** Why it was refused, or what else there is to know. */
    detail: z.string().max(1000).optional(),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Before the store has numbered it. */
export type NewAuditEntry = Omit<AuditEntry, "sequence">;

const maxPage = 1000;

const queryInteger = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));

/** Entries after a sequence. `application/x-ndjson` streams all of them, so there `limit` has no meaning. */
export const AuditQuery = z
  .strictObject({
    after: queryInteger(0, Number.MAX_SAFE_INTEGER).default(0),
    limit: queryInteger(1, maxPage).default(maxPage),
  })
  .meta({ id: "AuditQuery" });

/** `next` is the `after` of the next page; null where this was the last one so far. */
export const AuditPage = z
  .strictObject({ entries: z.array(AuditEntry), next: z.int().nullable() })
  .meta({ id: "AuditPage" });
export type AuditPage = z.infer<typeof AuditPage>;
