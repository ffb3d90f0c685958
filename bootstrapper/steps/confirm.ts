import { below, syncFiles, writeFileAtomic } from "../files.ts";
import { reportTokenFile } from "../journal/node-folder.ts";
import { RefusedError } from "../server/metadata-server.ts";
import type { Session } from "../session.ts";

const alreadyClaimed = 409;

/**
 * Only what is durable here may be destroyed there; that it is, the journal knows before the server is asked. After a
 * crash in between the server takes the same confirmation again, but not after the deadline: the node then goes on
 * with what it has.
 */
export async function confirm(session: Session, signal: AbortSignal): Promise<void> {
  const { root, origin, metadata, secrets, flushJournal, isResumed, giveUpReports } = session;
  await syncFiles(session.written);
  await flushJournal();
  if (origin.confirm === undefined) return;
  try {
    const { reportToken } = await origin.confirm(metadata.allocation, signal);
    secrets.push(reportToken);
    const path = below(root, reportTokenFile);
    await writeFileAtomic(path, reportToken, 0o600);
    await syncFiles([path]);
  } catch (error) {
    if (!isResumed || !(error instanceof RefusedError) || error.status !== alreadyClaimed) throw error;
    giveUpReports("the report token was lost in a crash and the server gives no other after the deadline");
  }
}
