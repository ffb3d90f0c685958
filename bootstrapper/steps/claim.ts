import { BootstrapError } from "../errors.ts";
import type { Session } from "../session.ts";

/** Fetches everything secret that this machine will ever be given. */
export async function claim(session: Session, signal: AbortSignal): Promise<void> {
  const { allocation, self } = session.metadata;
  const credentials = await session.server.claim(allocation, signal);
  if (credentials.allocation !== allocation)
    throw new BootstrapError(
      "invalid-input",
      `Cannot use credentials: they are for ${credentials.allocation}, this is ${allocation}`,
    );
  if (credentials.role !== self.role)
    throw new BootstrapError(
      "invalid-input",
      `Cannot use credentials: they are for a ${credentials.role}, this is a ${self.role}`,
    );
  if (credentials.role === "worker" && credentials.join !== session.metadata.join)
    throw new BootstrapError(
      "invalid-input",
      `Cannot use credentials: they are to join by ${credentials.join}, the metadata says ${session.metadata.join}`,
    );
  session.credentials = credentials;
}
