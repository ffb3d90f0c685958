import { type ConfigFlags, loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import { startServer } from "../../metadata-server/serve.ts";
import { createSimulatedProvider } from "./simulated-provider.ts";

/** Message to the parent process once the server serves. */
export interface Serving {
  url: string;
  token: string;
  caFile: string;
}

/** What the process gets, as JSON. */
export interface ServerProcessOptions {
  dataDir: string;
  /** Machines and segments. */
  folder: string;
  prefix: string;
  port: number;
  /** How machines reach the server; directly by default. */
  serverUrl?: string;
  provisionAllowanceMs?: number;
  /** Further settings of the server. */
  settings?: ConfigFlags;
}

// Run as a process, so that it can be killed: the real metadata server with simulated machines.
const { dataDir, folder, prefix, port, ...options } = JSON.parse(process.argv[2] ?? "") as ServerProcessOptions;
const { serverUrl = `https://127.0.0.1:${port}`, provisionAllowanceMs, settings } = options;
const config = loadConfig({ dataDir, cacheDir: dataDir, port, listenAddress: "127.0.0.1", ...settings }, {});
const provider = createSimulatedProvider({ folder, prefix, serverUrl, provisionAllowanceMs });
const logger = createJsonLogger((line) => process.stderr.write(line));
const server = await startServer(config, { logger, providers: [provider] });
const { url, token, caFile } = server;
process.send?.({ url, token, caFile } satisfies Serving);
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => void server.close().then(() => process.exit(0)));
