import { below, syncFiles, writeFileAtomic } from "../files.ts";
import type { Session } from "../session.ts";

const reportTokenFile = "/var/lib/sprout/report-token";

/** Only what is durable here may be destroyed there. */
export async function confirm(session: Session, signal: AbortSignal): Promise<void> {
  await syncFiles(session.written);
  const { reportToken } = await session.server.confirm(session.metadata.allocation, signal);
  const path = below(session.root, reportTokenFile);
  await writeFileAtomic(path, reportToken, 0o600);
  await syncFiles([path]);
}
