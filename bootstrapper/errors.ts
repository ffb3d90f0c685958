import type { MissingPeer } from "#api/report.ts";

/** Why a bring-up ended, and the exit code that says so. */
export const exitCodes = {
  "peers-missing": 1,
  "invalid-input": 2,
  preflight: 3,
  kubernetes: 4,
  "server-unreachable": 5,
  /** SIGTERM: no verdict, the next run goes on. 128 + 15, as a shell would say it. */
  interrupted: 143,
} as const;
export type FailureCode = keyof typeof exitCodes;

/** One shape for every failure of the bootstrapper. `message` says what, why and how to fix it. */
export class BootstrapError extends Error {
  override name = "BootstrapError";
  readonly code: FailureCode;
  /** Output of the command that failed, already redacted. */
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

/** Whatever was thrown as a BootstrapError; what is none already counts as `code`. */
export function toBootstrapError(error: unknown, code: FailureCode): BootstrapError {
  if (error instanceof BootstrapError) return error;
  return new BootstrapError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
