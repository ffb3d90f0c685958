import { setTimeout as sleep } from "node:timers/promises";
import type { Phase, PhaseState } from "#api/phase.ts";
import { maxLogTailBytes, type MissingPeer, type Report } from "#api/report.ts";
import { type BootstrapError, exitCodes } from "./errors.ts";
import { RetryableError } from "./server/retry.ts";

export interface ReportDetails {
  durationMs?: number;
  error?: BootstrapError;
  /** With the last report of a failed bring-up. */
  final?: boolean;
}

export interface Reporter {
  /** Never waits: printed at once, sent when the server can be had. */
  report(phase: Phase, state: PhaseState, details?: ReportDetails): void;
  /** From when the metadata is known; reports made before it are sent first. */
  start(allocation: string, send: (report: Report, signal: AbortSignal) => Promise<void>): void;
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

const maxErrorCharacters = 8000;
const maxQueued = 1000;

/** JSON lines on the console, and the same to the server: in order, each once, kept while the server is away. */
export function createReporter({
  write,
  redact,
  now = () => new Date(),
  retryDelayMs = 250,
}: ReporterOptions): Reporter {
  const queue: Omit<Report, "allocation">[] = [];
  const ending = new AbortController();
  let sequence = 0;
  const givenUp = new AbortController();
  let wake: (() => void) | undefined;
  let sender: Promise<void> | undefined;

  async function sendAll(allocation: string, send: (report: Report, signal: AbortSignal) => Promise<void>) {
    while (!givenUp.signal.aborted) {
      const [next] = queue;
      if (next === undefined) {
        if (ending.signal.aborted) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      try {
        await send(
          { allocation, ...next },
          ending.signal.aborted ? AbortSignal.timeout(5000) : AbortSignal.timeout(15_000),
        );
        queue.shift();
      } catch (error) {
        if (!(error instanceof RetryableError)) {
          // It would be refused again for ever: the console has it.
          queue.shift();
          write(toLine(now(), { level: "warn", message: "report refused", error: redact((error as Error).message) }));
        } else await sleep(error.retryAfterMs ?? retryDelayMs);
      }
    }
  }

  return {
    redact,
    report(phase, state, { durationMs, error, final } = {}) {
      const entry = {
        sequence: ++sequence,
        phase,
        state,
        ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
        ...(error === undefined ? {} : toFailure(error, redact)),
        ...(final && error ? { exitCode: exitCodes[error.code] } : {}),
      };
      const { sequence: _, ...line } = entry;
      write(toLine(now(), { level: state === "failed" ? "error" : "info", message: `${phase} ${state}`, ...line }));
      if (queue.length < maxQueued) queue.push(entry);
      wake?.();
    },
    start(allocation, send) {
      sender = sendAll(allocation, send);
    },
    async flush(signal) {
      ending.abort();
      wake?.();
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([sender ?? Promise.resolve(), signal.aborted ? Promise.resolve() : aborted]);
      givenUp.abort();
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
