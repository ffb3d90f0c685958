import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BootstrapError } from "../errors.ts";
import { below, readOptional } from "../files.ts";
import { credentialsSchemaOf, type NodeCredentials } from "../node-credentials.ts";
import { parseJson } from "../parse.ts";
import { type AllocationRecord, readAllocation } from "./allocation.ts";
import { type ParsedJournal, parseJournal } from "./entry.ts";
import { credentialsFile, journalFile, reportTokenFile, resetFile, toReset } from "./node-folder.ts";

/** What earlier runs left of one allocation. */
export interface Past extends ParsedJournal {
  record: AllocationRecord;
  reportToken: string | undefined;
}

/** Undefined on a fresh machine. Throws BootstrapError `preflight` where it is damaged or half reset. */
export async function readPast(root: string): Promise<Past | undefined> {
  const [record, isResetting] = await Promise.all([readAllocation(root), readOptional(below(root, resetFile))]);
  if (isResetting !== undefined)
    throw new BootstrapError("preflight", `Cannot run: a reset was interrupted here; ${toReset}`);
  if (record === undefined) return undefined;
  const text = (await readOptional(below(root, journalFile))) ?? "";
  const reportToken = await readOptional(below(root, reportTokenFile));
  // A power cut may leave a name without its content.
  return { record, ...parseJournal(text, journalFile), reportToken: reportToken || undefined };
}

/** Those that this node claimed in an earlier run. Throws BootstrapError `preflight` where they are not there any more. */
export async function readCredentials(root: string): Promise<NodeCredentials> {
  try {
    const text = await readFile(below(root, credentialsFile), "utf8");
    return parseJson(credentialsSchemaOf(parseJson(z.unknown(), text, credentialsFile)), text, credentialsFile);
  } catch (cause) {
    throw new BootstrapError("preflight", `Cannot resume: ${(cause as Error).message}; ${toReset}`, { cause });
  }
}
