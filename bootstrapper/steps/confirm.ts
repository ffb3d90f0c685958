import { forgetCapability } from "../journal/seed-files.ts";
import { credentialsFile, reportTokenFile } from "../journal/node-folder.ts";
import { below, syncFiles, writeFileAtomic } from "../machine/files.ts";
import type { OpenSource } from "../open-source.ts";
import { RefusedError } from "../server/metadata-server.ts";
import type { NodeContext } from "./node-context.ts";

interface ConfirmOptions {
  source: Pick<OpenSource, "confirm" | "record">;
  /** What `render` wrote. */
  paths: readonly string[];
  /** Waits until every report so far is on disk. */
  flushJournal: () => Promise<void>;
  hide: (...values: string[]) => void;
  giveUpReports: (reason: string) => void;
}

const alreadyClaimed = 409;

/**
 * Lets the server destroy its copy of the credentials. All of them are durable here first, and the journal has it.
 * After a crash in between, the server accepts the same confirmation again, but not once the report token was used, or
 * after the deadline: the node then continues with what it has.
 */
export async function confirm(
  { root, metadata, isResumed }: Pick<NodeContext, "root" | "metadata" | "isResumed">,
  { source, paths, flushJournal, hide, giveUpReports }: ConfirmOptions,
  signal: AbortSignal,
): Promise<void> {
  await syncFiles([below(root, credentialsFile), ...paths]);
  await flushJournal();
  if (source.confirm === undefined) return;
  const keep = async (reportToken: string) => {
    hide(reportToken);
    const path = below(root, reportTokenFile);
    await writeFileAtomic(path, reportToken, 0o600);
    await syncFiles([path]);
  };
  try {
    await source.confirm(metadata.allocation, signal, keep);
  } catch (error) {
    if (!isResumed || !(error instanceof RefusedError) || error.status !== alreadyClaimed) throw error;
    giveUpReports("the report token was lost in a crash and the server gives no other after its use or the deadline");
  }
  await forgetCapability(root, source.record);
}
