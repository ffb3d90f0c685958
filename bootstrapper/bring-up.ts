import { rm } from "node:fs/promises";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";
import { deadlineSignal } from "./deadline.ts";
import { toBootstrapError } from "./errors.ts";
import { exec } from "./exec.ts";
import { below } from "./files.ts";
import { allowTime, type Ground, groundOn, refuseOther, standOn } from "./ground.ts";
import { isContainer } from "./hardware.ts";
import { lastSequence, unsentReports } from "./journal/entry.ts";
import type { Journal } from "./journal/journal.ts";
import { credentialsFile } from "./journal/node-folder.ts";
import { type Past, readCredentials, readPast } from "./journal/past.ts";
import { createStamper, type Stamp } from "./journal/stamp.ts";
import { lockMachine } from "./lock.ts";
import { fetchMetadata, isOf, openOrigin, reopenOrigin, toRecordedSource } from "./open-origin.ts";
import type { Origin } from "./origin.ts";
import { planResumed, toNodeKind } from "./plan.ts";
import { createRedactor } from "./redact.ts";
import { createReporter, type Reporter } from "./report.ts";
import { decideResume, type Resume } from "./resume.ts";
import { runSteps, throwIfInterrupted } from "./run.ts";
import { secretsOf } from "./secrets-of.ts";
import type { Session } from "./session.ts";
import { discoverSource, type Source } from "./sources/discover.ts";
import { createActions } from "./steps/actions.ts";
import { createNodeRender } from "./templates.ts";
import { type Resolver, systemResolver } from "./user-data/resolve-names.ts";

export interface BringUpOptions {
  root: string;
  templatesOverlay?: string | undefined;
  write: (line: string) => void;
  /** From the operator: SIGTERM and the like. The next run goes on. */
  signal: AbortSignal;
  /** Until the first document: from then on the document's own deadline counts. */
  contactTimeoutMs?: number;
  /** How the names in user-data become addresses. */
  resolver?: Resolver;
}

const defaultContactTimeoutMs = 300_000;
/** A server that restarts is waited for: what it is told last is the verdict. */
const flushTimeoutMs = 300_000;

/**
 * Turns this machine into a node, or goes on where an earlier run was cut short, or starts what a reboot stopped.
 * Throws the BootstrapError that ended it, after the server was told.
 */
export async function bringUp(options: BringUpOptions): Promise<void> {
  const { root, write } = options;
  const unlock = await lockMachine(root, { verb: "run" });
  const secrets: string[] = [];
  const redact = (text: string) => createRedactor(secrets)(text);
  const reporter = createReporter({ write, redact });
  const run: Run = { ...options, reporter, secrets, redact, stamp: await createStamper(root) };
  try {
    await runOn(run);
  } finally {
    const unsent = await reporter.flush(
      options.signal.aborted ? AbortSignal.abort() : AbortSignal.timeout(flushTimeoutMs),
    );
    if (unsent > 0) write(`${JSON.stringify({ level: "warn", message: "reports were not sent", unsent })}\n`);
    run.origin?.close();
    await run.ground?.journal?.close();
    unlock();
  }
}

interface Run extends BringUpOptions {
  reporter: Reporter;
  /** Values that no line may show. */
  secrets: string[];
  redact: (text: string) => string;
  stamp: () => Stamp;
  /** From when they are known, for the end to close. */
  origin?: Origin;
  ground?: Ground;
}

async function runOn(run: Run): Promise<void> {
  const { root, templatesOverlay, signal, reporter, redact } = run;
  const past = await readPast(root);
  const inContainer = await isContainer(root);
  const source = await reported(run, "discover", () => findSource(run, { inContainer, past }));
  run.secrets.push("capability" in source ? source.capability : "", past?.reportToken ?? "");
  const { ground, origin, resume, timeoutMs } = await takeGround(run, { inContainer, past, source });
  const { metadata, startedAt, before } = ground.record;
  const credentials = needsCredentials(resume) ? await readCredentials(root) : undefined;
  run.secrets.push(...(credentials === undefined ? [] : secretsOf(credentials)));
  const session: Session = {
    metadata,
    kind: toNodeKind(metadata),
    origin,
    hostsBefore: before["/etc/hosts"] ?? "",
    root,
    inContainer,
    render: createNodeRender(root, templatesOverlay),
    redact,
    exec: (command, stop) => exec(command, { signal: stop, redact }),
    secrets: run.secrets,
    credentials,
    written: [],
    startedAt: new Date(startedAt),
    isResumed: past !== undefined,
    leftovers: ground.leftovers,
    recorded: ground.recorded,
    flushJournal: async () => ground.journal?.durable(),
    giveUpReports: reporter.giveUp,
  };
  await runSteps(planResumed(metadata, resume), {
    actions: createActions(session),
    reporter,
    signal: deadlineSignal(timeoutMs === undefined ? metadata.deadlineSeconds : timeoutMs / 1000),
    interrupted: signal,
  });
  await rm(below(root, credentialsFile), { force: true });
}

const needsCredentials = (resume: Resume) =>
  resume.mode === "go-on" || (resume.mode === "restart" && resume.isProofPending);

interface Beginning {
  inContainer: boolean;
  past: Past | undefined;
  source: Source;
}

interface Taken {
  ground: Ground;
  origin: Origin;
  resume: Resume;
  /** Where it is not all of the document's own deadline. */
  timeoutMs?: number;
}

/** From disk where the origin may have nothing left to say, else from its document; reports go out from here. */
async function takeGround(run: Run, { inContainer, past, source }: Beginning): Promise<Taken> {
  const { root, reporter, stamp, resolver = systemResolver } = run;
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(run.contactTimeoutMs ?? defaultContactTimeoutMs)]);
  const options = { root, inContainer, resolver, signal };
  const own = past !== undefined && isOf(past, source) ? past : undefined;
  const resume: Resume = own === undefined ? { mode: "begin" } : decideResume(own);
  if (own !== undefined && resume.mode !== "begin") {
    const { reportToken, record } = own;
    const origin = (run.origin = await reopenOrigin(source, own, options));
    const ground = (run.ground = await standOn(root, own));
    startReports(run, { metadata: record.metadata, journal: ground.journal, past: own });
    const isTokenLost =
      origin.report !== undefined && reportToken === undefined && (resume.mode === "restart" || resume.isConfirmed);
    if (isTokenLost) reporter.giveUp("the report token was lost in a crash");
    return { ground, origin, resume, ...(await reported(run, "resume", () => sayTime(run, own, resume))) };
  }
  const time = own === undefined ? {} : await reported(run, "resume", () => sayTime(run, own, resume));
  const origin = (run.origin = await openOrigin(source, options));
  const metadata = await reported(run, "metadata", async () => {
    const document = await fetchMetadata(origin, signal);
    await origin.check?.(document, signal);
    return document;
  });
  if (past !== undefined && past.record.metadata.allocation !== metadata.allocation) {
    startReports(run, { metadata });
    await reported(run, "preflight", () => refuseOther(past, metadata));
  }
  // A server counts its deadline down; user-data says the same for ever, and counts from when it was first read.
  const received = "userData" in source ? (own?.record.received ?? stamp()) : stamp();
  const ground = (run.ground = await groundOn({ root, origin: origin.record, metadata, received, past }));
  startReports(run, { metadata, journal: ground.journal, past });
  return { ground, origin, resume, ...time };
}

function sayTime(run: Run, past: Past, resume: Resume): { timeoutMs?: number } {
  const { message, timeoutMs } = allowTime(past, { resume, now: run.stamp() });
  run.write(`${JSON.stringify({ time: new Date().toISOString(), level: "info", message })}\n`);
  return timeoutMs === undefined ? {} : { timeoutMs };
}

function startReports(
  { reporter, origin, stamp }: Run,
  { metadata, journal, past }: { metadata: NodeMetadata; journal?: Journal | undefined; past?: Past | undefined },
): void {
  reporter.start({
    allocation: metadata.allocation,
    send: origin?.report,
    ...(journal === undefined ? {} : { journal }),
    stamp,
    // The server knows where this machine was reset in between.
    lastSequence: Math.max(metadata.lastSequence ?? 0, past === undefined ? 0 : lastSequence(past.entries)),
    unsent: past === undefined ? [] : unsentReports(past.entries),
  });
}

/** The seed; a node that is done comes back without one, too. */
async function findSource(
  { root, write, signal }: Run,
  { inContainer, past }: Omit<Beginning, "source">,
): Promise<Source> {
  try {
    return await discoverSource({ root, inContainer, signal });
  } catch (error) {
    if (past === undefined || decideResume(past).mode !== "restart") throw error;
    write(`${JSON.stringify({ level: "warn", message: "no seed", error: (error as Error).message })}\n`);
    return toRecordedSource(past);
  }
}

/** For what happens before there is a plan. */
async function reported<T>({ reporter, signal }: Run, phase: Phase, action: () => Promise<T> | T): Promise<T> {
  const startedAt = performance.now();
  reporter.report(phase, "started");
  try {
    const result = await action();
    reporter.report(phase, "done", { durationMs: performance.now() - startedAt });
    return result;
  } catch (thrown) {
    throwIfInterrupted(signal);
    const error = toBootstrapError(thrown, phase === "discover" ? "invalid-input" : "server-unreachable");
    reporter.report(phase, "failed", { durationMs: performance.now() - startedAt, error, final: true });
    throw error;
  }
}
