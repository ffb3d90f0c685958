import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parseProgress, type Progress } from "./progress.ts";
import { GinkgoReport, labelFilter } from "./report.ts";

export interface SuiteOptions {
  programsDir: string;
  kubectl: string;
  kubeconfigFile: string;
  /** Folder for ginkgo's report and its output, `ginkgo.log`. */
  outDir: string;
  /** Number of parallel tests. */
  procs: number;
  /** Regular expressions in ginkgo's syntax. */
  focus: readonly string[];
  skip: readonly string[];
  timeoutSeconds: number;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** Runs upstream's conformance tests in parallel. Throws if they cannot run at all; failed tests are in the report. */
export async function runSuite(options: SuiteOptions): Promise<GinkgoReport> {
  const { programsDir, outDir, kubectl, kubeconfigFile, signal } = options;
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
  const e2e = ["--provider=skeleton", `--kubeconfig=${kubeconfigFile}`, `--kubectl-path=${kubectl}`];
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
  let printed = "";
  running.all.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    options.onProgress(parseProgress(printed));
  });
  const { shortMessage } = await running;
  signal.throwIfAborted();
  const report = await readFile(join(outDir, "report.json"), "utf8").catch((cause: unknown) => {
    throw new Error(`Cannot run the conformance tests: ${shortMessage ?? "no report"}; see ${logFile}`, { cause });
  });
  return GinkgoReport.parse(JSON.parse(report));
}
