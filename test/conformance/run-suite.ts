import { createWriteStream } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { startProgress, type OnTestDone } from "./progress.ts";
import { GinkgoReport, labelFilter } from "./report.ts";

export interface SuiteOptions {
  programsDir: string;
  kubectl: string;
  kubeconfigFile: string;
  /** Gets `junit.xml` and what ginkgo said, `ginkgo.log`. */
  outDir: string;
  /** Tests at a time. */
  procs: number;
  /** Regular expressions, as ginkgo takes them. */
  focus: readonly string[];
  skip: readonly string[];
  timeoutSeconds: number;
  signal: AbortSignal;
  onTestDone: OnTestDone;
}

/** Runs upstream's conformance tests in parallel. Throws where they could not be run at all; tests that fail are in the report. */
export async function runSuite(options: SuiteOptions): Promise<GinkgoReport> {
  const { programsDir, outDir, kubectl, kubeconfigFile, signal } = options;
  await using progress = await startProgress(options.onTestDone);
  const ginkgo = [
    "run",
    `--procs=${options.procs}`,
    `--timeout=${options.timeoutSeconds}s`,
    `--label-filter=${labelFilter}`,
    ...options.focus.map((pattern) => `--focus=${pattern}`),
    ...options.skip.map((pattern) => `--skip=${pattern}`),
    `--output-dir=${outDir}`,
    "--json-report=report.json",
    "--no-color",
    "--silence-skips",
  ];
  const e2e = [
    "--provider=skeleton",
    `--kubeconfig=${kubeconfigFile}`,
    `--kubectl-path=${kubectl}`,
    `--report-dir=${outDir}`,
    `--progress-report-url=${progress.url}`,
  ];
  const logFile = join(outDir, "ginkgo.log");
  const running = execa(join(programsDir, "ginkgo"), [...ginkgo, join(programsDir, "e2e.test"), "--", ...e2e], {
    cancelSignal: signal,
    killDescendants: true,
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
  });
  running.all.pipe(createWriteStream(logFile));
  const { shortMessage } = await running;
  signal.throwIfAborted();
  const report = await readFile(join(outDir, "report.json"), "utf8").catch((cause: unknown) => {
    throw new Error(`Cannot run the conformance tests: ${shortMessage ?? "no report"}; see ${logFile}`, { cause });
  });
  // Upstream's own: shorter than ginkgo's, and named after the first of the processes.
  await rename(join(outDir, "junit_01.xml"), join(outDir, "junit.xml"));
  return GinkgoReport.parse(JSON.parse(report));
}
