import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BootstrapError } from "../errors.ts";
import { below, readHostFile } from "../machine/files.ts";
import { credentialsSchemaOf, type NodeCredentials } from "../node-credentials.ts";
import { parseJson } from "../parse.ts";
import { type AllocationRecord, readAllocation } from "./allocation.ts";
import { type ParsedJournal, parseJournal } from "./entry.ts";
import { credentialsFile, journalFile, reportTokenFile, resetFile, toReset } from "./node-folder.ts";

/** What earlier runs of one allocation left on disk. */
export interface EarlierRun extends ParsedJournal {
  record: AllocationRecord;
  reportToken: string | undefined;
}

/**
 * Reads what earlier runs left. Undefined on a fresh machine. Throws BootstrapError `preflight` if it is damaged or
 * half reset.
 */
export async function readEarlierRun(root: string): Promise<EarlierRun | undefined> {
  const [record, isResetting] = await Promise.all([readAllocation(root), readHostFile(below(root, resetFile))]);
  if (isResetting !== undefined)
    throw new BootstrapError("preflight", `Cannot run: a reset was interrupted here; ${toReset}`);
  if (record === undefined) return undefined;
  const text = (await readHostFile(below(root, journalFile))) ?? "";
  const reportToken = await readHostFile(below(root, reportTokenFile));
  // A power failure may leave an empty file.
  return { record, ...parseJournal(text, journalFile), reportToken: reportToken || undefined };
}

/** Reads the credentials that an earlier run claimed. Throws BootstrapError `preflight` if they are missing. */
export async function readCredentials(root: string): Promise<NodeCredentials> {
  try {
    const text = await readFile(below(root, credentialsFile), "utf8");
    return parseJson(credentialsSchemaOf(parseJson(z.unknown(), text, credentialsFile)), text, credentialsFile);
  } catch (cause) {
    throw new BootstrapError("preflight", `Cannot resume: ${(cause as Error).message}; ${toReset}`, { cause });
  }
}
