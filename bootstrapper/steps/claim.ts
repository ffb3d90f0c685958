import { checkCredentials } from "../check-credentials.ts";
import type { Session } from "../session.ts";

/** Fetches everything secret that this machine will ever be given. */
export async function claim(session: Session, signal: AbortSignal): Promise<void> {
  const { metadata, server } = session;
  const credentials = await server.claim(metadata.allocation, signal);
  checkCredentials(credentials, { metadata, now: Date.now() + (server.clockOffsetMs() ?? 0) });
  session.credentials = credentials;
}
