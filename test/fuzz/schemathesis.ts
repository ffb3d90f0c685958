import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "#lib/run.ts";
import { ExecaError } from "execa";
import { ensurePythonTool } from "../fixtures/python-tool.ts";
import { type LeftOut, leftOut } from "./left-out.ts";

interface SchemathesisRun {
  url: string;
  caFile: string;
  /** Undefined: requests have none. */
  token: string | undefined;
  seed: number;
  seconds: number;
}

/** Runs schemathesis on a server's OpenAPI document. Returns what it found wrong, or undefined. */
export async function runSchemathesis(options: SchemathesisRun): Promise<string | undefined> {
  const { url, caFile, token, seed, seconds } = options;
  const program = await ensurePythonTool({ requirements: "schemathesis.txt", program: "schemathesis" });
  const folder = await mkdtemp(join(tmpdir(), "sprout-schemathesis-"));
  const configFile = join(folder, "schemathesis.toml");
  await writeFile(configFile, toConfig(leftOut, token));
  const flags = [
    `--config-file=${configFile}`,
    "run",
    `${url}/openapi.json`,
    `--tls-verify=${caFile}`,
    `--seed=${seed}`,
    `--max-time=${seconds}`,
    "--request-timeout=60",
    "--continue-on-failure",
    "--no-color",
    "--warnings=off",
  ];
  try {
    // Its folder of examples is of no use later.
    await run(program, flags, { cwd: folder, signal: AbortSignal.timeout((seconds + 300) * 1000) });
    return undefined;
  } catch (error) {
    if (!(error instanceof ExecaError) || error.exitCode !== 1) throw error;
    return String(error.stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What may be answered to a valid request: schemathesis' own list, and 410 for what has ended. */
const validAnswers = `[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "410", "429", "5xx"]
`;

/** Its own file, which hides the token from the list of processes. */
function toConfig(entries: readonly LeftOut[], token: string | undefined): string {
  const header = token === undefined ? "" : `headers = { Authorization = ${JSON.stringify(`Bearer ${token}`)} }\n`;
  const operations = entries.map(({ operation, check, parameters }) =>
    [
      "[[operations]]",
      `include-name = ${JSON.stringify(operation)}`,
      ...(check === "all" ? ["enabled = false"] : []),
      ...(parameters === undefined ? [] : [`parameters = ${toInlineTable(parameters)}`]),
      ...(check === undefined || check === "all" ? [] : [`checks.${check}.enabled = false`]),
    ].join("\n"),
  );
  return `${[header, validAnswers, ...operations].join("\n")}\n`;
}

const toInlineTable = (values: Readonly<Record<string, number>>) =>
  `{ ${Object.entries(values)
    .map(([name, value]) => `${JSON.stringify(name)} = ${value}`)
    .join(", ")} }`;
