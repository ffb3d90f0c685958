/** Exit codes are part of the interface: scripts may rely on them. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  timeout: 4,
  unreachable: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `
Exit codes:
  0    success
  1    the cluster failed or is not usable, peers are missing, or the command failed
  2    wrong usage, or the server refuses the request as invalid
  3    no such cluster or machine
  4    not done in time
  5    the metadata server cannot be reached, trusted or understood
  130  interrupted`;

/** An error that the operator can act on; printed without a stack. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
