import { checkCredentials } from "../check-credentials.ts";
import { below, writeFileAtomic } from "../files.ts";
import { credentialsFile } from "../journal/node-folder.ts";
import { secretsOf } from "../secrets-of.ts";
import type { Session } from "../session.ts";

/** Fetches everything secret that this machine will ever be given, and keeps it for a run after a crash. */
export async function claim(session: Session, signal: AbortSignal): Promise<void> {
  const { root, metadata, origin, recorded, secrets, written } = session;
  const credentials = await origin.claim(metadata.allocation, signal);
  secrets.push(...secretsOf(credentials));
  checkCredentials(credentials, { metadata, now: Date.now() + (origin.clockOffsetMs() ?? 0) });
  await recorded;
  const path = below(root, credentialsFile);
  await writeFileAtomic(path, JSON.stringify(credentials), 0o600);
  written.push(path);
  session.credentials = credentials;
}
