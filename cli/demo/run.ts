import path from "node:path";
import { holds } from "#api/wait.ts";
import { replaceFile } from "#lib/replace-file.ts";
import { createApiClient } from "../client/api-client.ts";
import { styleOf, type CliContext } from "../context.ts";
import { renderFailure, renderUnavailable } from "../display/cluster-view.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";
import type { KubernetesFlags } from "../image/kubernetes-flags.ts";
import { prepareImage } from "../image/prepare.ts";
import { followCluster, proofAllowanceMs } from "../timeline/follow.ts";
import { createKubectl } from "./kubectl.ts";
import { createNarrator, type Narrator } from "./narrator.ts";
import { renderKept, renderResult, renderWorkload, toDemoReport, type DemoReport } from "./report.ts";
import { loadDemoRecord } from "./record.ts";
import { cleanDemo, startDemoServer, type DemoServer } from "./server.ts";
import { runWorkload } from "./workload.ts";

interface DemoOptions extends KubernetesFlags {
  nodes: number;
  keep?: boolean;
  json?: boolean;
  demoDir: string;
  cacheDir: string;
  store: string;
}

const workloadTimeoutMs = 60_000;
const deadlineSeconds = 180;
/** In addition to the deadline: time to start machines before it, and for the proof after it. */
const allowanceSeconds = 240;

/** Runs the whole demo. At its end nothing runs, unless it succeeded and `keep` is given. */
export async function runDemo(context: CliContext, options: DemoOptions): Promise<ExitCode> {
  const narrator = createNarrator(context, options);
  const writeReport = (report: DemoReport) => {
    if (options.json) context.stdout.write(`${JSON.stringify(report)}\n`);
  };
  try {
    writeReport(await demonstrate(context, { ...options, narrator }));
    return exitCodes.ok;
  } catch (error) {
    writeReport({ ready: false, error: context.signal.aborted ? "interrupted" : (error as Error).message });
    throw error;
  }
}

async function demonstrate(context: CliContext, options: DemoOptions & { narrator: Narrator }): Promise<DemoReport> {
  const { narrator, demoDir } = options;
  const { signal } = context;
  const { kubectl } = await narrator.step("Machine image", () => prepareImage(context, { ...options, force: false }));
  if (await loadDemoRecord(demoDir))
    await narrator.step("Earlier demo removed", () => cleanDemo({ ...options, signal }));
  const server = await narrator.step("Metadata server", () => startDemoServer({ ...options, signal }));
  let keep = false;
  try {
    const report = await bringUp(context, { ...options, server, kubectl });
    keep = options.keep === true;
    return report;
  } finally {
    if (keep) {
      await server.keep();
      narrator.text(renderKept({ ...server, kubectl, kubeconfig: kubeconfigIn(options), demoDir }));
    } else await narrator.step("Everything removed", () => server.stop());
  }
}

const kubeconfigIn = ({ demoDir }: DemoOptions): string => path.join(demoDir, "kubeconfig");

interface BringUp extends DemoOptions {
  server: DemoServer;
  narrator: Narrator;
  /** The program of the cluster's version. */
  kubectl: string;
}

async function bringUp(context: CliContext, options: BringUp): Promise<DemoReport> {
  const { narrator, nodes, kubernetesVersion } = options;
  const { signal, now } = context;
  const client = createApiClient(options.server.connection, context);
  const startedAt = now();
  const created = await client.create({ name: "demo", nodes, provider: "nspawn", kubernetesVersion, deadlineSeconds });
  const { cluster, timeline, readyHeardAt, endHeardAt } = await followCluster(created, context, {
    client,
    condition: "available",
    timeoutMs: (deadlineSeconds + allowanceSeconds) * 1000,
    proofTimeoutMs: proofAllowanceMs,
  });
  if (!holds(cluster, "available")) {
    const why = `${renderFailure(cluster)}${renderUnavailable(cluster)}`.trim();
    throw new CliError(exitCodes.failed, why || `The cluster is ${cluster.state}`);
  }

  const kubeconfig = kubeconfigIn(options);
  await replaceFile(kubeconfig, await client.kubeconfig(cluster.id, { ttlSeconds: 86_400 }));
  const kubectl = createKubectl({ program: options.kubectl, kubeconfig, signal });
  const workload = await narrator.step("Workload", () =>
    runWorkload({ kubectl, nodes, timeoutMs: workloadTimeoutMs, signal, now }),
  );
  narrator.text(`${renderWorkload(workload)}\n${await kubectl(["get", "nodes", "-o", "wide"])}`);
  const report = toDemoReport({
    cluster,
    timeline,
    seconds: (readyHeardAt - startedAt) / 1000,
    availableSeconds: (endHeardAt - startedAt) / 1000,
    workload,
  });
  narrator.text(`\n${renderResult(report, styleOf(context, options.json ? context.stderr : context.stdout))}`);
  return report;
}
