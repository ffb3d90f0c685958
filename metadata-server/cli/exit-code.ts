/** What the command ends with; part of its interface, so scripts may rely on it. */
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
  0    done
  1    the cluster failed or cannot be used, peers are missing, or the command could not do its work
  2    wrong usage or a request that the server refuses as invalid
  3    no such cluster
  4    not done within the time given
  5    the metadata server cannot be reached, trusted or understood
  130  interrupted`;

/** An end that the operator can act upon: printed without a stack. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
