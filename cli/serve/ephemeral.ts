import { access, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createApiClient } from "../client/api-client.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { RunningServer } from "../../metadata-server/serve.ts";

const marker = "ephemeral";
const deleteTimeoutMs = 120_000;

/** Claims a missing or empty directory, or one of an earlier ephemeral server, so that nothing else is ever removed. */
export async function claimEphemeralDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const entries = await readdir(directory);
  if (entries.length > 0 && !entries.includes(marker))
    throw new CliError(
      exitCodes.usage,
      `Cannot serve ephemerally from ${directory}: it holds the data of another server; give another --data-dir`,
    );
  await writeFile(path.join(directory, marker), "");
}

export async function removeEphemeralDirectory(directory: string): Promise<void> {
  await access(path.join(directory, marker));
  await rm(directory, { recursive: true });
}

/** Deletes every cluster over the API, and waits until all are deleted. */
export async function deleteEveryCluster(server: RunningServer, now: () => number): Promise<void> {
  const connection = {
    server: new URL(server.url),
    ca: await readFile(server.caFile, "utf8"),
    caFile: server.caFile,
    token: server.token,
  };
  const client = createApiClient(connection, { signal: AbortSignal.timeout(deleteTimeoutMs), now });
  const live = (await client.list()).filter((cluster) => cluster.state !== "deleted");
  await Promise.all(
    live.map(async ({ id }) => {
      await client.delete(id);
      await client.wait(id, { condition: "deleted", timeoutMs: deleteTimeoutMs });
    }),
  );
}
