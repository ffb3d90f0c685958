import { rm } from "node:fs/promises";
import { ExecaError } from "execa";
import { run } from "../metadata-server/run.ts";
import { retryPassing, type Failure } from "./retry.ts";

export interface TransferOptions {
  /** PEM file of every authority to trust; the host's own where it is not given. */
  caBundle?: string;
  /** Plain HTTP to other hosts than this one, for the URL itself and for redirects. */
  allowPlainHttp?: boolean;
  /** Before the second attempt; doubled for each further one, with jitter. */
  retryDelayMs?: number;
  /** An attempt ends after so many seconds without progress. */
  stallSeconds?: number;
  signal: AbortSignal;
}

export type DownloadProblem = "not-found" | "unknown-authority" | "plain-http" | "refused" | "unreachable";

export class DownloadError extends Error {
  override name = "DownloadError";
  readonly problem: DownloadProblem;
  readonly url: string;
  constructor(url: string, { problem, detail, cause }: { problem: DownloadProblem; detail: string; cause?: unknown }) {
    super(`Cannot download ${url}: ${detail}`, { cause });
    this.problem = problem;
    this.url = url;
  }
}

const attemptLimitSeconds = 3600;

/**
 * Downloads into `file` with Debian's curl, which brings proxies (HTTPS_PROXY, NO_PROXY), redirects and resumption.
 * What `file` already has is kept and continued. What passes is tried again; throws DownloadError.
 */
export async function download(url: string, file: string, options: TransferOptions): Promise<void> {
  const { signal, retryDelayMs = 1000 } = options;
  if (!mayBePlain(url, options))
    throw new DownloadError(url, {
      problem: "plain-http",
      detail: "plain HTTP is used on this host only; give an https URL, or --allow-plain-http",
    });
  await retryPassing(() => attemptDownload(url, file, options), { firstDelayMs: retryDelayMs, signal });
}

/** Plain HTTP proves nothing about who answers: on this host that is known, elsewhere it takes a word. */
export function mayBePlain(url: string, { allowPlainHttp = false }: { allowPlainHttp?: boolean }): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && (allowPlainHttp || isLoopback(hostname)));
}

export const isLoopback = (hostname: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(hostname);

async function attemptDownload(url: string, file: string, options: TransferOptions): Promise<Failure | null> {
  const { caBundle, stallSeconds = 30, signal } = options;
  // Never from https to something weaker, except where plain HTTP is allowed anyway.
  const protocols = url.startsWith("http:") || options.allowPlainHttp ? "=https,http" : "=https";
  const args = ["--silent", "--show-error", "--fail", "--location", "--max-redirs", "5", "--globoff"];
  const limits = ["--connect-timeout", "15", "--max-time", String(attemptLimitSeconds)];
  const stall = ["--speed-limit", "1024", "--speed-time", String(stallSeconds)];
  const trust = caBundle === undefined ? [] : ["--cacert", caBundle];
  const target = ["--continue-at", "-", "--output", file, "--write-out", "%{http_code}", "--proto", protocols, url];
  try {
    await run("curl", [...args, ...limits, ...stall, ...trust, ...target], { signal });
    return null;
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ExecaError) || cause.exitCode === undefined) throw cause;
    const status = Number(cause.stdout);
    // The rest cannot be had by itself: the file there is another one, or the server has no ranges.
    const restart = cause.exitCode === curlExit.range || status === 416;
    if (restart) await rm(file, { force: true });
    return { passing: restart || isPassing(cause.exitCode, status), error: toError(url, status, cause) };
  }
}

/** https://everything.curl.dev/cmdline/exitcode */
const curlExit = { protocol: 1, http: 22, range: 33, certificate: 60, certificateFile: 77 } as const;
const lasting: readonly number[] = [curlExit.protocol, curlExit.certificate, curlExit.certificateFile];
const passingStatuses: readonly number[] = [408, 425, 429];

const isPassing = (exitCode: number, status: number) =>
  exitCode === curlExit.http ? status >= 500 || passingStatuses.includes(status) : !lasting.includes(exitCode);

function toError(url: string, status: number, cause: ExecaError): DownloadError {
  const said = String(cause.stderr).trim().replace(/\.$/, "");
  if (status === 404 || status === 410)
    return new DownloadError(url, { problem: "not-found", detail: `there is none (HTTP ${status})`, cause });
  if (cause.exitCode === curlExit.certificate)
    return new DownloadError(url, {
      problem: "unknown-authority",
      detail: `its certificate is not trusted here; give its authority with --ca-file (${firstLine(said)})`,
      cause,
    });
  if (cause.exitCode === curlExit.http)
    return new DownloadError(url, { problem: "refused", detail: `the answer was HTTP ${status}`, cause });
  if (cause.exitCode === curlExit.protocol)
    return new DownloadError(url, {
      problem: "plain-http",
      detail: `it redirects to plain HTTP; use another mirror, or --allow-plain-http`,
      cause,
    });
  return new DownloadError(url, {
    problem: "unreachable",
    detail: `${firstLine(said)}; look at the network, the proxy (HTTPS_PROXY, NO_PROXY) and the mirror`,
    cause,
  });
}

const firstLine = (text: string) => text.split("\n")[0] ?? "";

/**
 * Undefined where `url` answers within `seconds`, however it greets a stranger (401); else why it does not. Never throws but
 * for `signal`.
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
