import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "#lib/run.ts";
import { reapDeadLabs } from "../lab/lab-folders.ts";
import { cacheDir, kubernetesVersion as defaultVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";
import { printBakeProgress } from "../lab/prepare.ts";
import { bringUpCluster } from "./cluster.ts";
import { renderJunit } from "./junit.ts";
import { ensureConformancePrograms } from "./programs.ts";
import { startImageRegistry } from "./registry.ts";
import { selectTests, summarize, type ConformanceResult } from "./report.ts";
import { runSuite, type SuiteOptions } from "./run-suite.ts";
import { makeTestImages } from "./test-images.ts";
import { readOptions } from "../script-options.ts";

const help = `Usage: npm run conformance -- [options]

Runs upstream's conformance tests against a real cluster of 1 + 3 nodes. Prints which passed, failed and were left out,
and writes JUnit to dist/conformance/junit.xml. Exits with 1 if one failed.

Options:
  --focus REGEX                 only tests whose name matches; repeatable
  --skip REGEX                  no tests whose name matches; repeatable
  --kubernetes-version VERSION  version of cluster and tests (${defaultVersion})
  --procs N                     tests at a time (6)
  --timeout-minutes N           longest run (120)

Takes about 16 minutes on two cores, and longer the first time: the image is baked and the tests are compiled from Go
modules, once. Needs root on Debian 12 or 13.

Installs first, as root, the Debian packages that this host lacks (images/host-setup.sh).
`;

const values = readOptions(help, {
  focus: { type: "string", multiple: true, default: [] },
  skip: { type: "string", multiple: true, default: [] },
  "kubernetes-version": { type: "string", default: defaultVersion },
  procs: { type: "string", default: "6" },
  "timeout-minutes": { type: "string", default: "120" },
});
const version = values["kubernetes-version"];
const timeoutSeconds = 60 * toWholeNumber("timeout-minutes");
const procs = toWholeNumber("procs");
const isAskedFor = selectTests(values);
const outDir = join(import.meta.dirname, "../../dist/conformance");
const print = (line: string) => process.stdout.write(`${line}\n`);
const onDetail = (detail: string) => process.stderr.write(`  ${detail}\n`);
const { signal } = new AbortController();

const noMachines = whyNoMachines();
if (noMachines !== null) throw new Error(`Cannot run conformance tests: ${noMachines}`);
await reapDeadLabs();
const { kubectl } = await prepareImage(printBakeProgress, { version });
const go = process.env["GO"] || undefined;
const programs = await ensureConformancePrograms(version, { cacheDir, go, signal, onDetail });
const folder = await mkdtemp(join(tmpdir(), "sprout-conformance-"));
try {
  const result = await testCluster(folder);
  report(result);
  process.exitCode = result.failed.length > 0 || result.passed.length === 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true });
}

function toWholeNumber(option: "procs" | "timeout-minutes"): number {
  const text = values[option];
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option}: Expected a whole number from 1, got ${text}`);
  return Number(text);
}

async function testCluster(workDir: string): Promise<ConformanceResult> {
  onDetail("images of the tests");
  const refs = (await run(join(programs.dir, "e2e.test"), ["--list-images"], { signal })).split("\n").filter(Boolean);
  const images = await makeTestImages(refs, { programs, cacheDir, layersDir: workDir, signal });
  await using registry = await startImageRegistry(images);
  await using cluster = await bringUpCluster(version, { registryPort: registry.port });
  const kubeconfigFile = join(workDir, "kubeconfig");
  await writeFile(kubeconfigFile, cluster.kubeconfig, { mode: 0o600 });
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const { focus, skip } = values;
  print(`Conformance tests of ${version}, ${cluster.nodes} nodes, ${procs} tests at a time`);
  const options = { programsDir: programs.dir, kubectl, kubeconfigFile, outDir, procs, focus, skip, timeoutSeconds };
  const ginkgoReport = await runSuite({ ...options, signal, onProgress: createProgressPrinter() });
  const result = summarize(ginkgoReport, isAskedFor);
  await writeFile(join(outDir, "junit.xml"), renderJunit(`Kubernetes ${version}`, result));
  return result;
}

/** Prints failures immediately, and every half minute the number of finished tests. */
function createProgressPrinter(): SuiteOptions["onProgress"] {
  const startedAt = performance.now();
  let printedAt = startedAt;
  let known = 0;
  return ({ total, done, failed }) => {
    for (const name of failed.slice(known)) onDetail(`failed: ${name}`);
    known = failed.length;
    const now = performance.now();
    if (now - printedAt < 30_000) return;
    printedAt = now;
    onDetail(`${Math.round((now - startedAt) / 1000)} s: ${done} of ${total ?? "?"} have run, ${known} of them failed`);
  };
}

function report({ passed, failed, leftOut }: ConformanceResult): void {
  print(`\npassed    ${passed.length}`);
  print(`failed    ${failed.length}`);
  for (const { name, reason } of failed) print(`  ${name}\n    ${reason}`);
  print(`left out  ${Object.values(leftOut).flat().length}`);
  for (const [reason, names] of Object.entries(leftOut)) {
    print(`  ${reason}: ${names.length}`);
    for (const name of names) print(`    ${name}`);
  }
  print("\nWritten to dist/conformance/junit.xml");
}
