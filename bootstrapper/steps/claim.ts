import { checkCredentials } from "../check-credentials.ts";
import { below, writeFileAtomic } from "../files.ts";
import { credentialsFile } from "../journal/node-folder.ts";
import { privateKeysOf } from "../private-keys.ts";
import type { Session } from "../session.ts";

/** Fetches everything secret that this machine will ever be given, and keeps it for a run after a crash. */
export async function claim(session: Session, signal: AbortSignal): Promise<void> {
  const { root, metadata, server, recorded, secrets, written } = session;
  const credentials = await server.claim(metadata.allocation, signal);
  secrets.push(...privateKeysOf(credentials));
  checkCredentials(credentials, { metadata, now: Date.now() + (server.clockOffsetMs() ?? 0) });
  await recorded;
  const path = below(root, credentialsFile);
  await writeFileAtomic(path, JSON.stringify(credentials), 0o600);
  written.push(path);
  session.credentials = credentials;
}
