import type { NodeMetadata } from "#api/node-metadata.ts";
import { consoleLine } from "./console-line.ts";
import type { BootTime } from "./journal/boot-time.ts";
import type { EarlierRun } from "./journal/earlier-run.ts";
import { lastSequence, unsentReports } from "./journal/entry.ts";
import type { Journal } from "./journal/journal.ts";
import { makeSeedsPrivate } from "./journal/seed-files.ts";
import type { OpenSource } from "./open-source.ts";
import { reportPhase } from "./run/report-phase.ts";
import type { Reporter } from "./run/report.ts";
import { decideResume, isConfirmed, type Resume } from "./run/resume.ts";
import { allowTime, beginFrom, refuseOther, resumeFrom, type StartingPoint } from "./run/starting-point.ts";
import { discoverSource } from "./sources/discover.ts";
import {
  fetchMetadata,
  isSameAllocation,
  openSource,
  type OpenSourceOptions,
  reopenSource,
  toRecordedSource,
} from "./sources/open.ts";
import type { Source } from "./sources/source.ts";
import type { Resolver } from "./user-data/resolve-names.ts";

export interface Beginning {
  root: string;
  inContainer: boolean;
  write: (line: string) => void;
  reporter: Reporter;
  bootTime: () => BootTime;
  resolver: Resolver;
  /** From the operator, such as SIGTERM. */
  signal: AbortSignal;
  contactTimeoutMs: number;
  earlier: EarlierRun | undefined;
  /** Gets what must be closed at the end of the run. */
  resources: AsyncDisposableStack;
}

/** Finds the seed or the user-data. A node that is done also comes back without either. */
export async function findSource({ root, inContainer, signal, earlier, write }: Beginning): Promise<Source> {
  await makeSeedsPrivate({ root, write });
  try {
    return await discoverSource({ root, inContainer, signal });
  } catch (error) {
    if (earlier === undefined || decideResume(earlier).mode !== "restart") throw error;
    write(
      consoleLine({
        level: "warn",
        message: "Cannot find the seed; using the record of the earlier run",
        error: (error as Error).message,
      }),
    );
    return toRecordedSource(earlier);
  }
}

interface Start {
  start: StartingPoint;
  source: OpenSource;
  resume: Resume;
  /** Undefined: the whole deadline of the document. */
  timeoutMs?: number | undefined;
}

/**
 * Decides between the disk and the source: after a confirmation the source may have nothing left to say. Reports are
 * sent from here on. Throws BootstrapError.
 */
export async function findStartingPoint(run: Beginning, from: Source): Promise<Start> {
  const { root, inContainer, resolver, earlier, contactTimeoutMs } = run;
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(contactTimeoutMs)]);
  const options = { root, inContainer, resolver, signal };
  const own = earlier !== undefined && isSameAllocation(earlier, from) ? earlier : undefined;
  const resume: Resume = own === undefined ? { mode: "begin" } : decideResume(own);
  if (own === undefined || resume.mode === "begin") return askSource(run, { from, own, options });
  const source = run.resources.adopt(await reopenSource(from, own, options), (opened) => opened.close());
  const start = await resumeFrom(root, own);
  closeJournal(run, start);
  const { metadata } = start.record;
  startReports(run, { source, metadata, journal: start.journal, earlier: own });
  const isTokenLost = source.report !== undefined && own.reportToken === undefined && isConfirmed(resume);
  if (isTokenLost) run.reporter.giveUp("the report token was lost in a crash");
  return { start, source, resume, timeoutMs: await reportPhase(run, "resume", () => logTime(run, own, resume)) };
}

/** Starts from the document that the source returns now. */
async function askSource(
  run: Beginning,
  { from, own, options }: { from: Source; own: EarlierRun | undefined; options: OpenSourceOptions },
): Promise<Start> {
  const { root, bootTime, earlier } = run;
  const { signal } = options;
  const resume: Resume = { mode: "begin" };
  const timeoutMs = own && (await reportPhase(run, "resume", () => logTime(run, own, resume)));
  const source = run.resources.adopt(await openSource(from, options), (opened) => opened.close());
  const metadata = await reportPhase(run, "metadata", async () => {
    const document = await fetchMetadata(source, signal);
    await source.check?.(document, signal);
    return document;
  });
  if (earlier !== undefined && earlier.record.metadata.allocation !== metadata.allocation) {
    startReports(run, { source, metadata });
    await reportPhase(run, "preflight", () => refuseOther(earlier, metadata));
  }
  // A server counts its deadline down. User-data always says the same, which counts from when it was first read.
  const received = "userData" in from ? (own?.record.received ?? bootTime()) : bootTime();
  const start = await beginFrom({ root, origin: source.record, metadata, received, earlier });
  closeJournal(run, start);
  startReports(run, { source, metadata, journal: start.journal, earlier });
  return { start, source, resume, timeoutMs };
}

const closeJournal = ({ resources }: Beginning, { journal }: StartingPoint) =>
  resources.defer(async () => journal?.close());

function logTime({ write, bootTime }: Beginning, earlier: EarlierRun, resume: Resume): number | undefined {
  const { message, timeoutMs } = allowTime(earlier, { resume, now: bootTime() });
  write(consoleLine({ level: "info", message }));
  return timeoutMs;
}

interface ReportsFrom {
  source: OpenSource;
  metadata: NodeMetadata;
  journal?: Journal | undefined;
  earlier?: EarlierRun | undefined;
}

function startReports({ reporter, bootTime }: Beginning, { source, metadata, journal, earlier }: ReportsFrom): void {
  reporter.start({
    allocation: metadata.allocation,
    send: source.report,
    ...(journal === undefined ? {} : { journal }),
    bootTime,
    // The server knows the last one if this machine was reset in between.
    lastSequence: Math.max(metadata.lastSequence ?? 0, earlier === undefined ? 0 : lastSequence(earlier.entries)),
    unsent: earlier === undefined ? [] : unsentReports(earlier.entries),
  });
}
