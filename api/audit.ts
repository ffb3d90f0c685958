import { z } from "zod";
import { queryInteger } from "./query.ts";

/** Decisions that the audit log records. An entry and its decision are written in one commit. */
const auditActions = [
  "cluster-create",
  "cluster-extend",
  "cluster-delete",
  "members-attach",
  "member-detach",
  "kubeconfig-issue",
  /** To the operator, for a machine that Sprout does not launch. */
  "user-data-issue",
  /** To a machine that boots over the network. */
  "capability-issue",
  "capability-use",
  "claim",
  "confirm",
  "report-token-use",
  /** A machine is approved by an operator or by a rule. */
  "approve",
  "machine-refuse",
  "machine-register",
  "machine-change",
  "machine-release",
  "machine-power",
  "machine-delete",
  "approval-rules",
  /** Sprout refuses a caller. */
  "refuse",
] as const;

export const AuditAction = z
  .enum(auditActions)
  .meta({ id: "AuditAction", description: "What was decided; `refuse` for every refusal" });
export type AuditAction = z.infer<typeof AuditAction>;

/** Who did what, to what, from where. It holds no secret and no token. */
export const AuditEntry = z
  .strictObject({
    sequence: z.int().positive().describe("Counts from 1 for the whole server, without gaps; the oldest are dropped"),
    at: z.iso.datetime().describe("Time of the decision, by the server's clock"),
    action: AuditAction,
    outcome: z.enum(["allowed", "refused"]).describe("`refused` goes with action `refuse` alone"),
    actor: z
      .string()
      .min(1)
      .max(300)
      .describe(
        "`api` with the API token, `node NAME` with a member's capability or report token, `unknown`, or `sprout`",
      ),
    from: z.string().max(60).nullable().describe("Address of the caller's connection; null if Sprout acted on its own"),
    clusterId: z.string().max(60).nullable().describe("The cluster concerned; null if there is none"),
    member: z.string().max(253).nullable().describe("Name of the node concerned; null if there is none"),
    detail: z.string().max(1000).optional().describe("The reason for a refusal, or further facts; absent without any"),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof AuditEntry>;

/** An entry that the store has not numbered yet. */
export type NewAuditEntry = Omit<AuditEntry, "sequence">;

const maxPage = 1000;

/** Entries after a sequence. `application/x-ndjson` streams all entries and ignores `limit`. */
export const AuditQuery = z
  .strictObject({
    after: queryInteger(0).default(0).describe("Sequence of the last entry that the caller has; 0 by default"),
    limit: queryInteger(1, maxPage).default(maxPage).describe("Entries on the page; 1000 by default"),
  })
  .meta({ id: "AuditQuery" });

export const AuditPage = z
  .strictObject({
    entries: z.array(AuditEntry).describe("Oldest first"),
    next: z.int().nullable().describe("`after` of the next page; null if this page is the last one so far"),
  })
  .meta({ id: "AuditPage" });
export type AuditPage = z.infer<typeof AuditPage>;
