import type { MissingPeer } from "#api/report.ts";
import { messageOf } from "#lib/errors.ts";

/** Why a bring-up ended, with the exit code of each reason. */
export const exitCodes = {
  "peers-missing": 1,
  "invalid-input": 2,
  preflight: 3,
  kubernetes: 4,
  "server-unreachable": 5,
  /** SIGTERM: no verdict, the next run continues. 128 + 15, as a shell reports it. */
  interrupted: 143,
} as const;
export type FailureCode = keyof typeof exitCodes;

/** One shape for every failure of the bootstrapper. `message` says what failed, why, and how to fix it. */
export class BootstrapError extends Error {
  override name = "BootstrapError";
  readonly code: FailureCode;
  /** Output of the failed command, already redacted. */
  readonly logTail: string | undefined;
  readonly missing: MissingPeer[] | undefined;
  constructor(
    code: FailureCode,
    message: string,
    options: { cause?: unknown; logTail?: string; missing?: MissingPeer[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.logTail = options.logTail;
    this.missing = options.missing;
  }
}

/** A request that may be repeated, after the pause that the server asked for. */
export class RetryableError extends Error {
  override name = "RetryableError";
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Returns any thrown value as a BootstrapError; another error becomes one with this `code`. */
export function toBootstrapError(error: unknown, code: FailureCode): BootstrapError {
  if (error instanceof BootstrapError) return error;
  return new BootstrapError(code, messageOf(error), { cause: error });
}
