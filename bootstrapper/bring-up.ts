import { rm } from "node:fs/promises";
import { consoleLine } from "./console-line.ts";
import { type Beginning, findSource, findStartingPoint } from "./find-starting-point.ts";
import { createBootClock } from "./journal/boot-time.ts";
import { readCredentials, readEarlierRun } from "./journal/earlier-run.ts";
import { credentialsFile } from "./journal/node-folder.ts";
import { forgetCapability } from "./journal/seed-files.ts";
import { exec } from "./machine/exec.ts";
import { below } from "./machine/files.ts";
import { isContainer } from "./machine/hardware.ts";
import { secretsOf } from "./node-credentials.ts";
import { outlastShutdown } from "./machine/shutdown.ts";
import { deadlineSignal } from "./poll.ts";
import { createRedactor } from "./redact.ts";
import { lockMachine } from "./run/lock.ts";
import { toNodeKind } from "./run/node-kind.ts";
import { planResumed } from "./run/plan.ts";
import { reportPhase } from "./run/report-phase.ts";
import { createReporter } from "./run/report.ts";
import { isConfirmed, type Resume } from "./run/resume.ts";
import { runSteps } from "./run/run-steps.ts";
import { createActions } from "./steps/actions.ts";
import type { NodeContext } from "./steps/node-context.ts";
import { createNodeRender } from "./templates.ts";
import { type Resolver, systemResolver } from "./user-data/resolve-names.ts";

interface BringUpOptions {
  root: string;
  templatesOverlay?: string | undefined;
  write: (line: string) => void;
  /** From the operator, such as SIGTERM. The next run continues. */
  signal: AbortSignal;
  /** Until the first document arrives; from then on the document's own deadline counts. */
  contactTimeoutMs?: number;
  /** How the names in user-data become addresses. */
  resolver?: Resolver;
}

const defaultContactTimeoutMs = 300_000;
/** Long enough for a server that restarts: the last report is the verdict. */
const flushTimeoutMs = 300_000;

/**
 * Turns this machine into a node, resumes an earlier run that was interrupted, or starts what a reboot stopped.
 * Throws the BootstrapError that ended it, after it was reported to the server.
 */
export async function bringUp(options: BringUpOptions): Promise<void> {
  const { root, write, signal } = options;
  const unlock = await lockMachine(root, { verb: "run" });
  const secrets: string[] = [];
  const redact = (text: string) => createRedactor(secrets)(text);
  const reporter = createReporter({ write, redact });
  const resources = new AsyncDisposableStack();
  try {
    const hide = (...values: string[]) => void secrets.push(...values);
    await run({ ...options, reporter, redact, hide, resources });
  } finally {
    const unsent = await reporter.flush(signal.aborted ? AbortSignal.abort() : AbortSignal.timeout(flushTimeoutMs));
    if (unsent > 0) write(consoleLine({ level: "warn", message: "Reports were not sent", unsent }));
    await resources.disposeAsync();
    unlock();
  }
}

interface Run extends BringUpOptions, Pick<Beginning, "reporter" | "resources"> {
  redact: (text: string) => string;
  hide: (...values: string[]) => void;
}

async function run({ redact, hide, templatesOverlay, ...options }: Run): Promise<void> {
  const { root, signal, reporter, contactTimeoutMs = defaultContactTimeoutMs, resolver = systemResolver } = options;
  const bootTime = await createBootClock(root);
  const earlier = await readEarlierRun(root);
  const inContainer = await isContainer(root);
  const beginning: Beginning = { ...options, contactTimeoutMs, resolver, bootTime, earlier, inContainer };
  const from = await reportPhase(beginning, "discover", () => findSource(beginning));
  hide("capability" in from ? from.capability : "", earlier?.reportToken ?? "");
  const { start, source, resume, timeoutMs } = await findStartingPoint(beginning, from);
  const { metadata, startedAt, origin } = start.record;
  // A crash right after the confirmation, or another program, may have left it in the seed.
  if (isConfirmed(resume)) await forgetCapability(root, origin);
  const credentials = needsCredentials(resume) ? await readCredentials(root) : undefined;
  if (credentials !== undefined) hide(...secretsOf(credentials));
  const context: NodeContext = {
    metadata,
    kind: toNodeKind(metadata),
    root,
    inContainer,
    render: createNodeRender(root, templatesOverlay),
    exec: (command, stop) => exec(command, { signal: stop, redact }),
    startedAt: new Date(startedAt),
    isResumed: earlier !== undefined,
  };
  await runSteps(planResumed(metadata, resume), {
    actions: createActions(context, { source, start, credentials, hide, giveUpReports: reporter.giveUp }),
    reporter,
    signal: deadlineSignal(timeoutMs === undefined ? metadata.deadlineSeconds : timeoutMs / 1000),
    interrupted: signal,
    outlastShutdown: () => outlastShutdown({ interrupted: signal }),
  });
  await rm(below(root, credentialsFile), { force: true });
}

const needsCredentials = (resume: Resume) =>
  resume.mode === "continue" || (resume.mode === "restart" && resume.isProofPending);
