import { loadConfig } from "../../metadata-server/config.ts";
import { createJsonLogger } from "../../metadata-server/logger.ts";
import { startServer } from "../../metadata-server/serve.ts";
import { createSimulatedProvider } from "./simulated-provider.ts";

/** Message to the parent process once the server serves. */
export interface Serving {
  url: string;
  token: string;
  caFile: string;
}

// Run as a process, so that it can be killed: the real metadata server with simulated machines.
const [dataDir = "", folder = "", prefix = "", port = "", store = ""] = process.argv.slice(2);
const settings = { dataDir, cacheDir: dataDir, port, store, listenAddress: "127.0.0.1" };
const config = loadConfig(settings, {});
const provider = createSimulatedProvider({ folder, prefix, serverUrl: `https://127.0.0.1:${port}` });
const logger = createJsonLogger((line) => process.stderr.write(line));
const { url, token, caFile } = await startServer(config, { logger, providers: [provider] });
process.send?.({ url, token, caFile } satisfies Serving);
process.once("disconnect", () => process.exit(0));
