import { mkdir } from "node:fs/promises";
import { type Config, type ConfigFlags, loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import type { RunningServer } from "../../metadata-server/serve.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { claimEphemeralDirectory, deleteEveryCluster, removeEphemeralDirectory } from "./ephemeral.ts";
import { openLifeline } from "./lifeline.ts";
import { startWithProviders } from "./start-server.ts";

export interface ServeFlags extends ConfigFlags {
  ephemeral?: boolean;
  json?: boolean;
}

/** Serves until the context's signal. An ephemeral server also ends with its lifeline, and deletes everything. */
export async function runServer(
  context: CliContext,
  { ephemeral = false, json = false, ...flags }: ServeFlags,
): Promise<void> {
  const config = toConfig(flags);
  if (!ephemeral) {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await serveUntil(context.signal, { config, context, json });
    return;
  }
  await claimEphemeralDirectory(config.dataDir);
  const lifeline = openLifeline(process.stdin);
  try {
    const signal = AbortSignal.any([context.signal, lifeline.lost]);
    const atEnd = async (server: RunningServer) => {
      await deleteEveryCluster(server, context.now);
      await server.erase();
    };
    await serveUntil(signal, { config, context, json, atEnd });
  } finally {
    lifeline.close();
  }
  await removeEphemeralDirectory(config.dataDir);
}

/** Drops the client's global flags, which the server does not use. */
function toConfig({ server: _server, ca: _ca, tokenFile: _tokenFile, ...flags }: Record<string, unknown>): Config {
  try {
    return loadConfig(flags);
  } catch (error) {
    throw new CliError(exitCodes.usage, (error as Error).message, { cause: error });
  }
}

interface ServeOptions {
  config: Config;
  context: CliContext;
  json: boolean;
  atEnd?: (server: RunningServer) => Promise<void>;
}

async function serveUntil(signal: AbortSignal, { config, context, json, atEnd }: ServeOptions): Promise<void> {
  const logger = createJsonLogger((line) => void context.stderr.write(line), config.logLevel);
  const server = await startWithProviders(config, { logger, ephemeral: atEnd !== undefined });
  try {
    const { url, caFile } = server;
    const { tokenFile } = config;
    context.stdout.write(
      json
        ? `${JSON.stringify({ url, caFile, tokenFile })}\n`
        : `Serving ${url}\nAPI token: ${tokenFile}\nAuthority: ${caFile}\n`,
    );
    await untilAborted(signal);
    await atEnd?.(server);
  } finally {
    await server.close();
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
