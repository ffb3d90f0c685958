import type { AuditEntry } from "#api/audit.ts";
import { type ClusterCommand, createAction } from "./action.ts";
import { createApiClient } from "./client/api-client.ts";
import type { DefineCommand } from "./commands.ts";
import { printable } from "./display/printable.ts";
import { parseWholeNumber } from "./flags.ts";

interface AuditFlags {
  after: number;
  follow?: boolean;
}

/** `sprout audit`: who did what, to what and from where. */
export const defineAudit: DefineCommand = (audit, context, end) => {
  audit
    .option("--after <SEQUENCE>", "only later entries", parseWholeNumber, 0)
    .option("--follow", "continue until interrupted")
    .action(createAction(context, end, createApiClient)(async () => printAudit));
};

async function printAudit({ client, context, flags }: ClusterCommand<AuditFlags>): Promise<void> {
  for await (const entry of client.audit({ after: flags.after, follow: flags.follow === true }))
    context.stdout.write(`${flags.json ? JSON.stringify(entry) : renderEntry(entry)}\n`);
}

function renderEntry({ at, action, outcome, actor, from, clusterId, member, detail }: AuditEntry): string {
  const subject = [clusterId, member].filter((part) => part !== null).join(" ");
  const what = outcome === "refused" ? "refused" : action;
  const parts = [at, what.padEnd(16), `${actor}${from === null ? "" : ` (${from})`}`, subject, detail ?? ""];
  return printable(parts.filter((part) => part !== "").join("  "));
}
