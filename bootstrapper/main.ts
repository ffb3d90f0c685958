import { readFile } from "node:fs/promises";
import { NodeMetadata } from "#api/node-metadata.ts";
import { bringUp } from "./bring-up.ts";
import { checkFile } from "./check-file.ts";
import { checkMetadata } from "./check-metadata.ts";
import { type CommandLine, parseCommandLine, usage } from "./command-line.ts";
import { exitCodes, toBootstrapError } from "./errors.ts";
import { isContainer } from "./hardware.ts";
import { parseJson } from "./parse.ts";
import { printPlan } from "./print-plan.ts";
import { createRedactor } from "./redact.ts";
import { reset } from "./reset/reset.ts";
import { runRouteAgent } from "./route-agent/route-agent.ts";
import { contactServer, fetchMetadata } from "./server/contact.ts";
import { discoverSource } from "./sources/discover.ts";
import { version } from "./version.ts";

const planTimeoutMs = 60_000;
const write = (text: string) => process.stdout.write(text);

async function main(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { root, templatesOverlay, file = "" } = line;
  switch (line.command) {
    case "run":
      return bringUp({ root, templatesOverlay, write, signal });
    case "plan":
      write(await planText(line, signal));
      return;
    case "check":
      write(`${checkFile(await readFile(file, "utf8"), file)}\n`);
      return;
    case "reset":
      return reset({ root, write, signal });
    case "route-agent":
      return runRouteAgent({ root, write, signal });
    case "version":
      write(`${version}\n`);
      return;
    case "help":
      write(usage);
  }
}

async function planText({ root, templatesOverlay, file }: CommandLine, signal: AbortSignal): Promise<string> {
  const inContainer = await isContainer(root);
  const metadata = file === undefined ? await askForMetadata(root, signal) : await readMetadata(file);
  return printPlan({ metadata, root, templatesOverlay, inContainer, now: new Date() });
}

async function readMetadata(file: string): Promise<NodeMetadata> {
  const metadata = parseJson(NodeMetadata, await readFile(file, "utf8"), `metadata ${file}`);
  checkMetadata(metadata);
  return metadata;
}

async function askForMetadata(root: string, signal: AbortSignal): Promise<NodeMetadata> {
  const inContainer = await isContainer(root);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(planTimeoutMs)]);
  const server = await contactServer(await discoverSource({ root, inContainer }), { root, inContainer, signal: limit });
  try {
    return await fetchMetadata(server, limit);
  } finally {
    server.close();
  }
}

const ending = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => ending.abort());
try {
  await main(parseCommandLine(process.argv.slice(2)), ending.signal);
} catch (thrown) {
  const error = toBootstrapError(thrown, "invalid-input");
  process.exitCode = exitCodes[error.code];
  const message = createRedactor()(error.message);
  process.stderr.write(`${JSON.stringify({ level: "error", message, exitCode: process.exitCode })}\n`);
}
