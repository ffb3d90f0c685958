import type { Hardware, NodeMetadata } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";
import type { Seed } from "#api/seed.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { deadlineSignal } from "../poll.ts";
import { planSteps } from "../run/plan.ts";
import { reportPhase } from "../run/report-phase.ts";
import { createReporter, type Reporter } from "../run/report.ts";
import { runSteps, type StepAction } from "../run/run-steps.ts";
import { createMetadataServer, type MetadataServer } from "../server/metadata-server.ts";
import type { SimulatedKubernetes } from "./kubernetes.ts";

/** A call to the server that is measured. */
export type MeasuredCall = "metadata" | "claim" | "confirm" | "report";

export interface SimulatedBringUp {
  seed: Seed;
  hardware: Hardware;
  kubernetes: SimulatedKubernetes;
  /** Called after each call that succeeded, with its duration, pauses before repetitions included. */
  onCall: (call: MeasuredCall, milliseconds: number) => void;
  /** Called with the error of a report that the server would refuse again; the bring-up continues, as a real one. */
  onRefusedReport: (error: Error) => void;
  /** Ends it without a verdict. */
  signal: AbortSignal;
  /** Until the first document arrives; from then on the document's own deadline counts. */
  contactTimeoutMs: number;
}

/** As a real one: the last report is the verdict, and a server under load takes it late. */
const flushTimeoutMs = 300_000;
const peersTimeoutMs = 3000;

/**
 * A bring-up without a machine: the plan, the course, the calls and the reports of a real one; its steps change nothing
 * on this host. Throws the BootstrapError that ended it, after it was reported, or one of reports that were not sent.
 */
export async function simulateBringUp(options: SimulatedBringUp): Promise<void> {
  const { seed, hardware, signal } = options;
  const server = createMetadataServer({ url: seed.server, ca: seed.ca, capability: seed.capability, hardware });
  const source = measure(server, options);
  const reporter = createReporter({ write: () => undefined, redact: (text) => text });
  const failures = await run({ ...options, source, reporter }).then(
    () => [],
    (error: unknown) => [error],
  );
  const unsent = await reporter.flush(signal.aborted ? AbortSignal.abort() : AbortSignal.timeout(flushTimeoutMs));
  source.close();
  if (failures.length > 0) throw failures[0];
  if (unsent > 0) throw new BootstrapError("server-unreachable", `Cannot send ${unsent} reports: no answer in time`);
}

interface Run extends SimulatedBringUp {
  source: MetadataServer;
  reporter: Reporter;
}

async function run({ source, reporter, kubernetes, signal, contactTimeoutMs }: Run): Promise<void> {
  const contact = AbortSignal.any([signal, AbortSignal.timeout(contactTimeoutMs)]);
  await reportPhase({ reporter, signal }, "discover", () => undefined);
  const metadata = await reportPhase({ reporter, signal }, "metadata", async () => source.metadata(contact));
  reporter.start({
    allocation: metadata.allocation,
    send: source.report,
    bootTime: () => ({ bootId: "simulated", time: new Date().toISOString(), monotonicMs: performance.now() }),
    lastSequence: 0,
    unsent: [],
  });
  await runSteps(planSteps(metadata), {
    actions: createActions(metadata, { source, kubernetes }),
    reporter,
    signal: deadlineSignal(metadata.deadlineSeconds),
    interrupted: signal,
  });
}

function measure(
  source: MetadataServer,
  { onCall, onRefusedReport }: Pick<SimulatedBringUp, "onCall" | "onRefusedReport">,
): MetadataServer {
  const timed = async <T>(call: MeasuredCall, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    onCall(call, performance.now() - startedAt);
    return result;
  };
  return {
    ...source,
    metadata: async (signal) => timed("metadata", async () => source.metadata(signal)),
    claim: async (allocation, signal) => timed("claim", async () => source.claim(allocation, signal)),
    confirm: async (allocation, signal) => timed("confirm", async () => source.confirm(allocation, signal)),
    report: async (report, signal) =>
      timed("report", async () => source.report(report, signal)).catch((error: Error) => {
        if (!(error instanceof RetryableError)) onRefusedReport(error);
        throw error;
      }),
  };
}

/** Every step of a plan, so that the compiler names a new one. */
type SimulatedPhase = Exclude<Phase, "discover" | "resume" | "metadata">;

const nothing: StepAction = async () => undefined;

function createActions(
  metadata: NodeMetadata,
  { source, kubernetes }: { source: MetadataServer; kubernetes: SimulatedKubernetes },
): Record<SimulatedPhase, StepAction> {
  const { allocation, self, peers } = metadata;
  return {
    preflight: nothing,
    peers: nothing,
    claim: async (signal) => void (await source.claim(allocation, signal)),
    render: nothing,
    confirm: async (signal) => void (await source.confirm(allocation, signal)),
    "static-pods": async () => kubernetes.startApiServer(),
    "api-server": async (signal) => kubernetes.untilApiServer(signal),
    kubelet: nothing,
    join: nothing,
    "etcd-join": nothing,
    "cluster-config": nothing,
    register: nothing,
    network: async () => kubernetes.addNode(self.name),
    verify: async (signal) => (peers === undefined ? undefined : verifyPeers(peers, { source, kubernetes, signal })),
    available: nothing,
  };
}

/** The proof of the first control plane: every peer has joined. */
async function verifyPeers(
  peers: readonly string[],
  { source, kubernetes, signal }: { source: MetadataServer; kubernetes: SimulatedKubernetes; signal: AbortSignal },
): Promise<void> {
  const missing = await kubernetes.untilNodes(peers, signal);
  if (missing.length === 0) return;
  const known = await source.peers(AbortSignal.timeout(peersTimeoutMs)).catch(() => ({ peers: [] }));
  throw new BootstrapError(
    "peers-missing",
    `Cannot prove the cluster: ${missing.length} of ${peers.length} simulated peers are missing: ${missing.join(", ")}`,
    { missing: known.peers.filter(({ name }) => missing.includes(name)) },
  );
}
