import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { run } from "#lib/run.ts";
import { busyCpuSeconds } from "../bench/host-cpu.ts";
import { replaceBetween } from "../documents/replace-between.ts";
import { prepareImage, whyNoMachines } from "../lab/lab.ts";
import { printBakeProgress } from "../lab/prepare.ts";
import { readOptions } from "../script-options.ts";
import { judge } from "./judge.ts";
import { createProgress } from "./progress.ts";
import { createProof, readSigned, writeSigned } from "./proof.ts";
import { renderProof } from "./render-proof.ts";
import { runRealTrials } from "./real-trials.ts";
import { runSimulatedTrials } from "./simulated-trials.ts";
import { replay, type SeriesName, type Trial } from "./trial.ts";
import { openTrialJournal } from "./trial-journal.ts";

const help = `Usage: npm run prove -- [--simulated N] [--real N] [--real-faults N] [--seed N] [--lanes N]
       [--folder DIR] [--key FILE] [--baseline FILE] [--document]

Brings up clusters, simulated ones with faults, real ones without and with, and counts: nodes and clusters that became
Ready, p50, p95, p99, processor time, every failure by name. Writes DIR/proof.json with its Ed25519 signature, and
prints the tables. Interrupted, it continues where it was: finished trials are kept in DIR/trials.jsonl.
Exits with 1 if too many failed, or if it is worse than the baseline by more than the noise.

Options:
  --simulated N    simulated clusters (6000)
  --real N         real clusters without faults (500)
  --real-faults N  real clusters with faults (100)
  --seed N         the first seed of each series (1)
  --lanes N        simulated clusters at a time (one for each processor); more use the time of clusters that wait
  --folder DIR     trials and proof (dist/prove)
  --key FILE       private key that signs, PEM; a new one by default
  --baseline FILE  an earlier proof.json to compare with
  --document       writes the tables to docs/proof.md

A simulated cluster takes about 2 s on two cores, a real one 20 s. Real ones need root on Debian 12 or 13.

Installs first, as root, the Debian packages that this host lacks (images/host-setup.sh).
`;

const values = readOptions(help, {
  simulated: { type: "string", default: "6000" },
  real: { type: "string", default: "500" },
  "real-faults": { type: "string", default: "100" },
  seed: { type: "string", default: "1" },
  lanes: { type: "string", default: String(availableParallelism()) },
  folder: { type: "string", default: "dist/prove" },
  key: { type: "string" },
  baseline: { type: "string" },
  document: { type: "boolean", default: false },
});
const projectDir = join(import.meta.dirname, "../..");
const print = (text: string) => process.stderr.write(`${text}\n`);
/** Trials between two lines of progress. */
const progressEvery = 20;

const commit = await run("git", ["describe", "--always", "--dirty", "--abbrev=40"], { cwd: projectDir });
const subject = { commit, kubernetesVersion: defaultKubernetesVersion };
const journal = await openTrialJournal(join(values.folder, "trials.jsonl"), subject);
const first = Number(values.seed);
const wanted = (series: SeriesName, count: string) =>
  Array.from({ length: Number(count) }, (_, index) => first + index).filter((seed) => !journal.has({ series, seed }));
const seeds = {
  simulated: wanted("simulated", values.simulated),
  real: wanted("real", values.real),
  "real-faults": wanted("real-faults", values["real-faults"]),
};
const reason = whyNoMachines();
if (reason !== null && seeds.real.length + seeds["real-faults"].length > 0)
  throw new Error(`Cannot bring up real clusters: ${reason}; leave them out with --real 0 --real-faults 0`);

const progress = createProgress(seeds, { print, now: () => performance.now(), every: progressEvery });
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
let busyBefore = await busyCpuSeconds();
const common = {
  signal: interrupted.signal,
  async cpuSeconds() {
    const busy = await busyCpuSeconds();
    const since = busy - busyBefore;
    busyBefore = busy;
    return since;
  },
  async onTrial(trial: Trial) {
    await journal.add(trial);
    progress.count(trial.series);
    if (trial.failure !== null) print(`${trial.series} ${trial.seed} failed: ${trial.failure}\n  ${replay(trial)}`);
  },
};
if (seeds.simulated.length > 0)
  await runSimulatedTrials({ ...common, seeds: seeds.simulated, lanes: Number(values.lanes) });
if (seeds.real.length + seeds["real-faults"].length > 0) await prepareImage(printBakeProgress);
for (const series of ["real", "real-faults"] as const) await runRealTrials({ ...common, series, seeds: seeds[series] });

const proof = createProof(subject, { trials: journal.trials, now: new Date() });
const file = join(values.folder, "proof.json");
await writeSigned(file, proof, { keyFile: values.key });
const tables = renderProof(proof);
process.stdout.write(tables);
if (values.document && !interrupted.signal.aborted) {
  const page = join(projectDir, "docs/proof.md");
  await writeFile(page, replaceBetween(await readFile(page, "utf8"), "npm run prove", tables));
  // In the format that lint checks.
  await run(join(projectDir, "node_modules/.bin/oxfmt"), [page]);
}
const before = values.baseline === undefined ? [] : (await readSigned(values.baseline)).series;
const problems = judge(proof.series, before);
for (const problem of problems) print(problem);
print(interrupted.signal.aborted ? "Interrupted: the same command continues" : `Written and signed: ${file}`);
process.exitCode = problems.length > 0 || interrupted.signal.aborted ? 1 : 0;
