import { checkCredentials } from "../check/check-credentials.ts";
import { credentialsFile } from "../journal/node-folder.ts";
import { below, writeFileAtomic } from "../machine/files.ts";
import { type NodeCredentials, secretsOf } from "../node-credentials.ts";
import type { OpenSource } from "../open-source.ts";
import type { NodeContext } from "./node-context.ts";

interface ClaimOptions {
  source: Pick<OpenSource, "claim" | "clockOffsetMs">;
  /** Done when the allocation is on disk; rejected if this machine is another allocation's. */
  recorded: Promise<void>;
  hide: (...values: string[]) => void;
}

/** Fetches every secret that this machine will ever get, and keeps them for a run after a crash. */
export async function claim(
  { root, metadata }: Pick<NodeContext, "root" | "metadata">,
  { source, recorded, hide }: ClaimOptions,
  signal: AbortSignal,
): Promise<NodeCredentials> {
  const credentials = await source.claim(metadata.allocation, signal);
  hide(...secretsOf(credentials));
  checkCredentials(credentials, { metadata, now: Date.now() + (source.clockOffsetMs() ?? 0) });
  await recorded;
  await writeFileAtomic(below(root, credentialsFile), JSON.stringify(credentials), 0o600);
  return credentials;
}
