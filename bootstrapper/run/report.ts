import { setTimeout as sleep } from "node:timers/promises";
import type { Phase, PhaseState } from "#api/phase.ts";
import { maxLogTailBytes, type MissingPeer, type Report } from "#api/report.ts";
import { consoleLine } from "../console-line.ts";
import { type BootstrapError, exitCodes, RetryableError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { BootTime } from "../journal/boot-time.ts";

interface ReportDetails {
  durationMs?: number;
  error?: BootstrapError;
  /** Set in the last report of a failed bring-up. */
  final?: boolean;
}

/** Where reports go once the allocation is known. */
export interface Outlet {
  allocation: string;
  /** Undefined: reports go to console and journal only. */
  send?: ((report: Report, signal: AbortSignal) => Promise<void>) | undefined;
  /** Keeps reports until they are sent. Without a journal they are lost with this run. */
  journal?: Pick<Journal, "append" | "durable">;
  bootTime: () => BootTime;
  /** The last sequence of earlier runs: the server accepts none twice. */
  lastSequence: number;
  /** Reports of earlier runs. */
  unsent: Report[];
}

export interface Reporter {
  /** Never waits: it prints at once, and sends when the server can be reached. */
  report(phase: Phase, state: PhaseState, details?: ReportDetails): void;
  /** Starts sending, beginning with the reports made before. */
  start(outlet: Outlet): void;
  /** Stops sending, and logs the reason. */
  giveUp: (reason: string) => void;
  /** Removes secrets from a text. */
  redact: (text: string) => string;
  /** Sends what is left, for as long as the signal allows. Returns how many reports could not be sent. */
  flush(signal: AbortSignal): Promise<number>;
}

interface ReporterOptions {
  /** Gets a JSON line. */
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

/**
 * Writes JSON lines to the console and sends the same to the server: in order, each once, kept while the server is
 * away.
 */
export function createReporter({
  write,
  redact,
  now = () => new Date(),
  retryDelayMs = 250,
}: ReporterOptions): Reporter {
  /** Reports made before the allocation is known. */
  const early: Entry[] = [];
  const queue: Report[] = [];
  const givenUp = new AbortController();
  let outlet: Outlet | undefined;
  let sequence = 0;
  let isEnding = false;
  let wake: (() => void) | undefined;
  let sender: Promise<void> | undefined;

  const log = (level: "info" | "warn", message: string, fields: object = {}) =>
    write(consoleLine({ level, message, ...fields }, now()));

  function enqueue({ allocation, journal, bootTime, send }: Outlet, entry: Entry) {
    const report = { allocation, sequence: ++sequence, ...entry };
    journal?.append({ ...report, ...bootTime() });
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

  async function sendOne(report: Report, { allocation, journal, bootTime, send }: Sending) {
    try {
      // A sequence that the server has seen must never be used again. But even with a full disk, reports are sent.
      await journal?.durable().catch(() => undefined);
      await send(report, AbortSignal.any([givenUp.signal, AbortSignal.timeout(attemptTimeoutMs)]));
    } catch (error) {
      if (givenUp.signal.aborted) return;
      if (error instanceof RetryableError) {
        await sleep(error.retryAfterMs ?? retryDelayMs, undefined, { signal: givenUp.signal }).catch(() => undefined);
        return;
      }
      // The server would refuse it every time. The console has it.
      log("warn", "The server refused a report", { error: redact((error as Error).message) });
    }
    queue.shift();
    // If this entry is lost, the report is sent once more, and the server drops it.
    journal?.append({ allocation, sentUpTo: report.sequence, ...bootTime() }, { lazy: true });
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
      const level = state === "failed" ? "error" : "info";
      write(consoleLine({ level, message: `${phase} ${state}`, ...entry }, now()));
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
      log("warn", "Reports are no longer sent", { reason });
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
