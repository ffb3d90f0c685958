import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDir } from "../lab/lab.ts";
import { readOptions } from "../script-options.ts";
import { type Failure, fuzzParser } from "./fuzz-parser.ts";
import { readFailures, writeFailures } from "./kept-failures.ts";
import { leftOut } from "./left-out.ts";
import { parsers } from "./parsers.ts";
import { runSchemathesis } from "./schemathesis.ts";
import { createReportToken, serveForFuzzing } from "./served.ts";

const keptFile = join(cacheDir, "fuzz/failures.jsonl");

const help = `Usage: npm run fuzz -- [--seconds N] [--seed N] [--parsers-only]

Gives spoiled texts to every parser of what others send, of settings, and of what a node finds on its disk (fast-check):
a parser may only refuse, in words that can be read, and in little processor time. Then runs schemathesis on the OpenAPI document of a real \`sprout serve\`: with the API token, a node's report
token, a wrong token, and without one. Exits with 1 if it finds something.

Options:
  --seconds N     how long in all (120); schemathesis may take longer, as it runs each of its phases once
  --seed N        first seed, which is printed; without it a new one for each run
  --parsers-only  leaves schemathesis out, which needs Python and, once, PyPI

A parser's failure is kept in ${keptFile}
with its seed, and played again by every later run until it passes.

Not checked by schemathesis:
${leftOut.map(({ operation, check, parameters, reason }) => `  ${operation} (${check ?? Object.keys(parameters ?? {}).join()}): ${reason}`).join("\n")}

Installs first, as root, the Debian packages that this host lacks (images/host-setup.sh).
`;

const values = readOptions(help, {
  seconds: { type: "string", default: "120" },
  seed: { type: "string" },
  "parsers-only": { type: "boolean", default: false },
});
const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31));
const seconds = Number(values.seconds);
const print = (text: string) => process.stdout.write(`${text}\n`);
print(`seed ${seed}`);
const parsersHold = await fuzzParsers(values["parsers-only"] ? seconds : seconds / 2);
const documentHolds = values["parsers-only"] || (await fuzzServer(seconds / 2));
process.exitCode = parsersHold && documentHolds ? 0 : 1;

async function fuzzParsers(forSeconds: number): Promise<boolean> {
  const kept = await readFailures(keptFile);
  const failures: Failure[] = [];
  for (const parser of parsers) {
    const outcomes = [];
    for (const failure of kept.filter((each) => each.parser === parser.name))
      outcomes.push(await fuzzParser(parser, { ...failure, forMs: 60_000 }));
    outcomes.push(await fuzzParser(parser, { seed, forMs: (forSeconds * 1000) / parsers.length }));
    print(`${parser.name}: ${outcomes.reduce((runs, outcome) => runs + outcome.runs, 0)} texts`);
    for (const { failure } of outcomes)
      if (failure !== undefined) {
        failures.push({ parser: failure.parser, seed: failure.seed, path: failure.path });
        print(`  failed with seed ${failure.seed}, path ${failure.path}: ${failure.reason}`);
      }
  }
  if (kept.length + failures.length > 0) await writeFailures(keptFile, failures);
  return failures.length === 0;
}

async function fuzzServer(forSeconds: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-fuzz-"));
  const server = await serveForFuzzing(folder);
  try {
    const tokens = {
      "a node's report token": await createReportToken(server),
      "a wrong token": "A".repeat(43),
      "no token": undefined,
      // Last, because it may delete the node's cluster.
      "the API token": server.token,
    };
    const each = Math.max(1, Math.floor(forSeconds / Object.keys(tokens).length));
    const findings: string[] = [];
    for (const [name, token] of Object.entries(tokens)) {
      const found = await runSchemathesis({ ...server, token, seed, seconds: each });
      print(`schemathesis with ${name}: ${found === undefined ? "nothing found" : `\n${found}`}`);
      if (found !== undefined) findings.push(found);
    }
    const errors = server
      .log()
      .split("\n")
      .filter((line) => line.includes('"level":"error"'));
    for (const line of errors) print(`The server logged: ${line}`);
    return findings.length + errors.length === 0;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}
