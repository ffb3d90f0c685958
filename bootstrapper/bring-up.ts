import { BootstrapError, toBootstrapError } from "./errors.ts";
import { exec } from "./exec.ts";
import { isContainer, readHardware } from "./hardware.ts";
import { checkMetadata } from "./check-metadata.ts";
import { deadlineSignal } from "./deadline.ts";
import { planSteps, toNodeKind } from "./plan.ts";
import { createRedactor } from "./redact.ts";
import { createReporter, type Reporter } from "./report.ts";
import { runSteps } from "./run.ts";
import { createMetadataServer, type MetadataServer } from "./server/metadata-server.ts";
import { resolveTrust } from "./server/trust.ts";
import type { Session } from "./session.ts";
import { discoverSource, type Source } from "./sources/discover.ts";
import { createActions } from "./steps/actions.ts";
import { createNodeRender } from "./templates.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";

export interface BringUpOptions {
  root: string;
  templatesOverlay?: string | undefined;
  write: (line: string) => void;
  /** From the operator: SIGTERM and the like. */
  signal: AbortSignal;
  /** Until the first document: from then on the document's own deadline counts. */
  contactTimeoutMs?: number;
}

const defaultContactTimeoutMs = 300_000;
const flushTimeoutMs = 5000;

/** Turns this machine into a node. Throws the BootstrapError that ended it, after the server was told. */
export async function bringUp(options: BringUpOptions): Promise<void> {
  const secrets: string[] = [];
  const redact = (text: string) => createRedactor(secrets)(text);
  const reporter = createReporter({ write: options.write, redact });
  const contact = AbortSignal.any([
    options.signal,
    AbortSignal.timeout(options.contactTimeoutMs ?? defaultContactTimeoutMs),
  ]);
  let server: MetadataServer | undefined;
  try {
    const inContainer = await isContainer(options.root);
    const source = await reported(reporter, "discover", () => discoverSource({ root: options.root, inContainer }));
    secrets.push(source.capability);
    server = await contactServer(source, { root: options.root, inContainer, signal: contact });
    const connected = server;
    const metadata = await reported(reporter, "metadata", () => fetchMetadata(connected, contact));
    reporter.start(metadata.allocation, (report, signal) => connected.report(report, signal));
    const signal = AbortSignal.any([options.signal, deadlineSignal(metadata.deadlineSeconds)]);
    const session: Session = {
      metadata,
      kind: toNodeKind(metadata),
      server: connected,
      serverUrl: new URL(source.server),
      root: options.root,
      inContainer,
      render: createNodeRender(options.root, options.templatesOverlay),
      redact,
      exec: (command, stop) => exec(command, { signal: stop, redact }),
      credentials: undefined,
      written: [],
    };
    await runSteps(planSteps(metadata), { actions: createActions(session), reporter, signal });
  } finally {
    const unsent = await reporter.flush(AbortSignal.timeout(flushTimeoutMs));
    if (unsent > 0) options.write(`${JSON.stringify({ level: "warn", message: "reports were not sent", unsent })}\n`);
    server?.close();
  }
}

export async function contactServer(
  source: Source,
  { root, inContainer, signal }: { root: string; inContainer: boolean; signal: AbortSignal },
): Promise<MetadataServer> {
  const { server: url, capability, mac, address, trust } = source;
  const hardware = await readHardware({ root, inContainer, mac, address });
  if (hardware.macs.length === 0)
    throw new BootstrapError("invalid-input", "Cannot identify this machine: no network interface has a MAC address");
  return createMetadataServer({ url, ca: await resolveTrust(trust, new URL(url), signal), capability, hardware });
}

export async function fetchMetadata(server: MetadataServer, signal: AbortSignal): Promise<NodeMetadata> {
  const metadata = await server.metadata(signal);
  checkMetadata(metadata);
  return metadata;
}

/** For what happens before there is a plan. */
async function reported<T>(reporter: Reporter, phase: Phase, action: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  reporter.report(phase, "started");
  try {
    const result = await action();
    reporter.report(phase, "done", { durationMs: performance.now() - startedAt });
    return result;
  } catch (thrown) {
    const error = toBootstrapError(thrown, phase === "discover" ? "invalid-input" : "server-unreachable");
    reporter.report(phase, "failed", { durationMs: performance.now() - startedAt, error, final: true });
    throw error;
  }
}
