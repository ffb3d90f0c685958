import type { Command } from "commander";
import type { AuditEntry } from "#api/audit.ts";
import { clusterAction, type ClusterCommand } from "./clusters/command.ts";
import type { CliContext } from "./context.ts";
import { printable } from "./display/printable.ts";
import type { ExitCode } from "./exit-code.ts";
import { parseWholeNumber } from "./flags.ts";

interface AuditFlags {
  after: number;
  follow?: boolean;
}

/** `sprout audit`: who did what, to what, from where. */
export function addAuditCommand(program: Command, context: CliContext, end: (code: ExitCode) => void): void {
  program
    .command("audit")
    .description("print the audit log, an entry a line (with --json: JSON lines)")
    .option("--after <SEQUENCE>", "only later entries", parseWholeNumber, 0)
    .option("--follow", "go on until interrupted")
    .action(clusterAction<AuditFlags>(context, end, printAudit));
}

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
