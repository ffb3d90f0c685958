import { setTimeout as sleep } from "node:timers/promises";
import type { Phase, PhaseState } from "#api/phase.ts";
import { maxLogTailBytes, type MissingPeer, type Report } from "#api/report.ts";
import { type BootstrapError, exitCodes } from "./errors.ts";
import type { Journal } from "./journal/journal.ts";
import type { Stamp } from "./journal/stamp.ts";
import { RetryableError } from "./server/retry.ts";

export interface ReportDetails {
  durationMs?: number;
  error?: BootstrapError;
  /** With the last report of a failed bring-up. */
  final?: boolean;
}

/** From when the allocation is known. */
export interface Outlet {
  allocation: string;
  /** Without it nobody hears them but console and journal. */
  send?: ((report: Report, signal: AbortSignal) => Promise<void>) | undefined;
  /** Where reports are kept until they are sent; without one they live as long as this run. */
  journal?: Pick<Journal, "append" | "durable">;
  stamp: () => Stamp;
  /** The last sequence of earlier runs: the server takes none twice. */
  lastSequence: number;
  /** Of earlier runs. */
  unsent: Report[];
}

export interface Reporter {
  /** Never waits: printed at once, sent when the server can be had. */
  report(phase: Phase, state: PhaseState, details?: ReportDetails): void;
  /** Reports made before it are sent first. */
  start(outlet: Outlet): void;
  /** Nothing will be sent any more. */
  giveUp: (reason: string) => void;
  /** Takes further values as secrets. */
  redact: (text: string) => string;
  /** Sends what is left, for as long as the signal allows. Returns how many could not be sent. */
  flush(signal: AbortSignal): Promise<number>;
}

export interface ReporterOptions {
  /** Takes a JSON line. */
  write: (line: string) => void;
  redact: (text: string) => string;
  now?: () => Date;
  retryDelayMs?: number;
}

type Entry = Omit<Report, "allocation" | "sequence">;
type Sending = Outlet & { send: NonNullable<Outlet["send"]> };

const maxErrorCharacters = 8000;
const maxQueued = 1000;
const attemptTimeoutMs = 15_000;

/** JSON lines on the console, and the same to the server: in order, each once, kept while the server is away. */
export function createReporter({
  write,
  redact,
  now = () => new Date(),
  retryDelayMs = 250,
}: ReporterOptions): Reporter {
  /** Before the allocation is known. */
  const early: Entry[] = [];
  const queue: Report[] = [];
  const givenUp = new AbortController();
  let outlet: Outlet | undefined;
  let sequence = 0;
  let isEnding = false;
  let wake: (() => void) | undefined;
  let sender: Promise<void> | undefined;

  const log = (level: "info" | "warn", message: string, fields: object = {}) =>
    write(toLine(now(), { level, message, ...fields }));

  function enqueue({ allocation, journal, stamp, send }: Outlet, entry: Entry) {
    const report = { allocation, sequence: ++sequence, ...entry };
    journal?.append({ ...report, ...stamp() });
    if (send === undefined) return;
    if (queue.length < maxQueued) queue.push(report);
    wake?.();
  }

  async function sendAll(to: Sending) {
    while (!givenUp.signal.aborted) {
      const [next] = queue;
      if (next === undefined) {
        if (isEnding) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      await sendOne(next, to);
    }
  }

  async function sendOne(report: Report, { allocation, journal, stamp, send }: Sending) {
    try {
      // A sequence that the server has seen must never be given out again. A full disk is no reason to be silent.
      await journal?.durable().catch(() => undefined);
      await send(report, AbortSignal.any([givenUp.signal, AbortSignal.timeout(attemptTimeoutMs)]));
    } catch (error) {
      if (givenUp.signal.aborted) return;
      if (error instanceof RetryableError) {
        await sleep(error.retryAfterMs ?? retryDelayMs, undefined, { signal: givenUp.signal }).catch(() => undefined);
        return;
      }
      // It would be refused again for ever: the console has it.
      log("warn", "report refused", { error: redact((error as Error).message) });
    }
    queue.shift();
    // Lost, it is sent once more, and the server drops it.
    journal?.append({ allocation, sentUpTo: report.sequence, ...stamp() }, { lazy: true });
  }

  return {
    redact,
    report(phase, state, { durationMs, error, final } = {}) {
      const entry = {
        phase,
        state,
        ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
        ...(error === undefined ? {} : toFailure(error, redact)),
        ...(final && error ? { exitCode: exitCodes[error.code] } : {}),
      };
      write(toLine(now(), { level: state === "failed" ? "error" : "info", message: `${phase} ${state}`, ...entry }));
      if (outlet === undefined) early.push(entry);
      else enqueue(outlet, entry);
    },
    start(to) {
      outlet = to;
      sequence = to.lastSequence;
      const { send } = to;
      if (send !== undefined) queue.push(...to.unsent.slice(-maxQueued));
      for (const entry of early.splice(0)) enqueue(to, entry);
      if (send !== undefined) sender = sendAll({ ...to, send });
    },
    giveUp(reason) {
      log("warn", "reports are not sent any more", { reason });
      queue.length = 0;
      givenUp.abort();
    },
    async flush(signal) {
      isEnding = true;
      wake?.();
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([sender ?? Promise.resolve(), signal.aborted ? Promise.resolve() : aborted]);
      givenUp.abort();
      wake?.();
      await sender;
      return queue.length;
    },
  };
}

function toFailure(
  error: BootstrapError,
  redact: (text: string) => string,
): { error: string; logTail?: string; missing?: MissingPeer[] } {
  return {
    error: redact(error.message).slice(0, maxErrorCharacters),
    ...(error.logTail === undefined ? {} : { logTail: redact(error.logTail).slice(-maxLogTailBytes / 4) }),
    ...(error.missing === undefined ? {} : { missing: error.missing }),
  };
}

const toLine = (at: Date, fields: object) => `${JSON.stringify({ time: at.toISOString(), ...fields })}\n`;
