import packageJson from "../package.json" with { type: "json" };
import { NodeMetadata } from "#api/node-metadata.ts";
import { bringUp } from "./bring-up.ts";
import { checkFiles, type InputFile, kindOf } from "./check-file.ts";
import { checkMetadata } from "./check/check-metadata.ts";
import { type CommandLine, parseCommandLine, usage } from "./command-line.ts";
import { consoleLine } from "./console-line.ts";
import { BootstrapError, exitCodes, toBootstrapError } from "./errors.ts";
import { readDocument } from "./machine/files.ts";
import { isContainer } from "./machine/hardware.ts";
import { fetchMetadata, openSource } from "./sources/open.ts";
import { parseJson } from "./parse.ts";
import { printPlan } from "./print-plan.ts";
import { createRedactor } from "./redact.ts";
import { reset } from "./reset/reset.ts";
import { runNetworkAgent } from "./network-agent/network-agent.ts";
import { discoverSource } from "./sources/discover.ts";
import type { Source } from "./sources/source.ts";
import { toUserDataSource } from "./sources/user-data-file.ts";
import { parseUserData } from "./user-data/document.ts";
import { systemResolver } from "./user-data/resolve-names.ts";

const planTimeoutMs = 60_000;
const write = (text: string) => process.stdout.write(text);

async function main(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { root, templatesOverlay, files } = line;
  switch (line.command) {
    case "run":
      return bringUp({ root, templatesOverlay, write, signal });
    case "plan":
      write(await planText(line, signal));
      return;
    case "check":
      write(checkFiles(await Promise.all(files.map(readInput))));
      return;
    case "reset":
      return reset({ root, write, signal });
    case "network-agent":
      return runNetworkAgent({ root, templatesOverlay, write, signal });
    case "version":
      write(`${packageJson.version}\n`);
      return;
    case "help":
      write(usage);
  }
}

async function planText({ root, templatesOverlay, files: [file] }: CommandLine, signal: AbortSignal): Promise<string> {
  const inContainer = await isContainer(root);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(planTimeoutMs)]);
  const source = await findSource(root, { file, inContainer, signal: limit });
  const { metadata, userData } =
    "allocation" in source
      ? { metadata: source, userData: undefined }
      : await askForMetadata(source, { root, inContainer, signal: limit });
  return printPlan({ metadata, userData, root, templatesOverlay, inContainer, now: new Date() });
}

/** Finds the source to ask. A file with metadata is already the answer. */
async function findSource(
  root: string,
  { file, ...options }: { file: string | undefined; inContainer: boolean; signal: AbortSignal },
): Promise<Source | NodeMetadata> {
  if (file === undefined) return discoverSource({ root, ...options });
  const { text } = await readInput(file);
  const kind = kindOf(text, file);
  if (kind === "user-data") return toUserDataSource(text, { where: file });
  if (kind !== "metadata")
    throw new BootstrapError(
      "invalid-input",
      `Cannot plan from ${file}: its kind (${kind}) does not identify this machine; give metadata, or user-data with names`,
    );
  const metadata = parseJson(NodeMetadata, text, `metadata ${file}`);
  checkMetadata(metadata);
  return metadata;
}

async function readInput(file: string): Promise<InputFile> {
  const text = await readDocument(file);
  if (text === undefined) throw new BootstrapError("invalid-input", `Cannot read ${file}: it does not exist`);
  return { file, text };
}

async function askForMetadata(source: Source, options: { root: string; inContainer: boolean; signal: AbortSignal }) {
  const opened = await openSource(source, { ...options, resolver: systemResolver });
  try {
    const metadata = await fetchMetadata(opened, options.signal);
    const userData = "userData" in source ? parseUserData(source.userData, source.where) : undefined;
    return { metadata, userData };
  } finally {
    opened.close();
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
  process.stderr.write(consoleLine({ level: "error", message, exitCode: process.exitCode }));
}
