import { createJsonLogger } from "../../../metadata-server/logger.ts";
import { loadConfig } from "../../../metadata-server/config.ts";
import { startServer } from "../../../metadata-server/serve.ts";
import { createFakeProvider } from "../../fakes/fake-provider.ts";

// Run as a process, `server.ts SETTINGS`: the real server over TLS, with fake machines, which cost nothing.
const config = loadConfig(JSON.parse(process.argv[2] ?? "{}") as object, {});
const logger = createJsonLogger((line) => void process.stderr.write(line), config.logLevel);
const server = await startServer(config, { logger, providers: [createFakeProvider()] });
process.stdout.write(`${JSON.stringify({ url: server.url, caFile: server.caFile, token: server.token })}\n`);
