import { rm } from "node:fs/promises";
import { ExecaError } from "execa";
import { retry } from "#lib/retry.ts";
import { run } from "#lib/run.ts";
import { isTransientStatus } from "#lib/transient-errors.ts";

export interface TransferOptions {
  /** PEM file of all trusted authorities; the host's by default. */
  caBundle?: string;
  /** Whether plain HTTP may be used with other hosts than this one, for the URL itself and for redirects. */
  allowPlainHttp?: boolean;
  /** Pause before the second attempt; each further one is twice as long, with jitter. */
  retryDelayMs?: number;
  /** An attempt ends after this many seconds without progress. */
  stallSeconds?: number;
  signal: AbortSignal;
}

type DownloadProblem = "not-found" | "unknown-authority" | "plain-http" | "refused" | "unreachable";

/** A download or a pull that failed. */
export class TransferError extends Error {
  override name = "TransferError";
  /** Whether another attempt may succeed. */
  readonly isTransient: boolean;
  constructor(message: string, { isTransient = false, cause }: { isTransient?: boolean; cause?: unknown }) {
    super(message, { cause });
    this.isTransient = isTransient;
  }
}

interface DownloadFailure {
  problem: DownloadProblem;
  detail: string;
  isTransient?: boolean;
  cause?: unknown;
}

export class DownloadError extends TransferError {
  override name = "DownloadError";
  readonly problem: DownloadProblem;
  readonly url: string;
  constructor(url: string, { problem, detail, ...options }: DownloadFailure) {
    super(`Cannot download ${url}: ${detail}`, options);
    this.problem = problem;
    this.url = url;
  }
}

const attemptLimitSeconds = 3600;
const maxAttempts = 5;

/** Repeats `attempt` while it throws a transient TransferError, five times at most. */
export async function retryTransfer(
  attempt: () => Promise<void>,
  { retryDelayMs = 1000, signal }: Pick<TransferOptions, "retryDelayMs" | "signal">,
): Promise<void> {
  try {
    await retry(attempt, {
      signal,
      maxAttempts,
      delays: { firstMs: retryDelayMs, jitter: [0.5, 1.5] },
      isRetriable: (error) => error instanceof TransferError && error.isTransient,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * Downloads into `file` with Debian's curl, which handles proxies (HTTPS_PROXY, NO_PROXY), redirects and resumption.
 * Resumes a partial `file` and retries transient failures. Throws DownloadError.
 */
export async function download(url: string, file: string, options: TransferOptions): Promise<void> {
  if (!mayBePlain(url, options))
    throw new DownloadError(url, {
      problem: "plain-http",
      detail: "Sprout uses plain HTTP on this host only; give an https URL, or --allow-plain-http",
    });
  await retryTransfer(() => attemptDownload(url, file, options), options);
}

/** Plain HTTP does not prove who answers. On this host that is known; elsewhere the operator must allow it. */
export function mayBePlain(url: string, { allowPlainHttp = false }: { allowPlainHttp?: boolean }): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && (allowPlainHttp || isLoopback(hostname)));
}

const isLoopback = (hostname: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(hostname);

async function attemptDownload(url: string, file: string, options: TransferOptions): Promise<void> {
  const { caBundle, stallSeconds = 30, signal } = options;
  // Follows no redirect from https to plain HTTP, unless that is allowed anyway.
  const protocols = url.startsWith("http:") || options.allowPlainHttp ? "=https,http" : "=https";
  const args = ["--silent", "--show-error", "--fail", "--location", "--max-redirs", "5", "--globoff"];
  const limits = ["--connect-timeout", "15", "--max-time", String(attemptLimitSeconds)];
  const stall = ["--speed-limit", "1024", "--speed-time", String(stallSeconds)];
  const trust = caBundle === undefined ? [] : ["--cacert", caBundle];
  const target = ["--continue-at", "-", "--output", file, "--write-out", "%{http_code}", "--proto", protocols, url];
  try {
    await run("curl", [...args, ...limits, ...stall, ...trust, ...target], { signal });
  } catch (cause) {
    if (!(cause instanceof ExecaError) || cause.exitCode === undefined) throw cause;
    const status = Number(cause.stdout);
    // The rest cannot be fetched alone: the file has changed, or the server does not support ranges.
    const restart = cause.exitCode === curlExit.range || status === 416;
    if (restart) await rm(file, { force: true });
    const isTransient = restart || isTransientFailure(cause.exitCode, status);
    throw new DownloadError(url, { ...explain(status, cause), isTransient, cause });
  }
}

/** https://everything.curl.dev/cmdline/exitcode */
const curlExit = { protocol: 1, http: 22, range: 33, certificate: 60, certificateFile: 77 } as const;
const lasting: readonly number[] = [curlExit.protocol, curlExit.certificate, curlExit.certificateFile];

/** Content delivery networks use further statuses above 504. */
const isTransientFailure = (exitCode: number, status: number) =>
  exitCode === curlExit.http ? status >= 500 || isTransientStatus(status) : !lasting.includes(exitCode);

function explain(status: number, cause: ExecaError): Pick<DownloadFailure, "problem" | "detail"> {
  const said = firstLine(String(cause.stderr).trim().replace(/\.$/, ""));
  if (status === 404 || status === 410) return { problem: "not-found", detail: `it does not exist (HTTP ${status})` };
  if (cause.exitCode === curlExit.certificate) {
    const detail = `its certificate is not trusted here; give its authority with --ca-file (${said})`;
    return { problem: "unknown-authority", detail };
  }
  if (cause.exitCode === curlExit.http) return { problem: "refused", detail: `the answer was HTTP ${status}` };
  if (cause.exitCode === curlExit.protocol) {
    const detail = `it redirects to plain HTTP; choose another mirror, or give --allow-plain-http`;
    return { problem: "plain-http", detail };
  }
  const detail = `${said}; check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the mirror`;
  return { problem: "unreachable", detail };
}

const firstLine = (text: string) => text.split("\n")[0] ?? "";

/**
 * Returns undefined if `url` answers within `seconds`, even with a refusal (401), else the reason. Throws only when the
 * signal aborts.
 */
export async function probeUrl(
  url: string,
  { seconds, caFile, signal }: { seconds: number; caFile?: string | undefined; signal: AbortSignal },
): Promise<string | undefined> {
  const trust = caFile === undefined ? [] : ["--cacert", caFile];
  const args = ["--silent", "--show-error", "--head", "--location", "--max-time", String(seconds), ...trust];
  try {
    const status = Number(
      await run("curl", [...args, "--output", "/dev/null", "--write-out", "%{http_code}", url], { signal }),
    );
    return status < 400 || status === 401 ? undefined : `HTTP ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    return firstLine(error instanceof ExecaError ? String(error.stderr).trim() || error.shortMessage : String(error));
  }
}
