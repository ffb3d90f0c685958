import { Agent } from "node:https";
import { BootstrapError } from "../errors.ts";
import { httpsRequest } from "./https-request.ts";
import { RetryableError } from "./retry.ts";
import { isSignedBy } from "./trust.ts";

const clockCodes = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);
const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ABORT_ERR",
  "HPE_INVALID_CONSTANT",
]);

export interface TransportOptions {
  ca: string;
  url: URL;
  signal: AbortSignal;
  now: () => number;
}

/**
 * Sorts what a request can throw: a lost connection may be repeated; a certificate that the pinned authority did not
 * sign is an error; one that it did sign but that seems not to be valid now is an error of the clock.
 */
export async function toTransportError(error: unknown, options: TransportOptions): Promise<Error> {
  if (error instanceof BootstrapError || error instanceof RetryableError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const { host } = options.url;
  if (clockCodes.has(code)) return clockError(options);
  if (networkCodes.has(code) || code === "" || message.includes("socket hang up"))
    return new RetryableError(code === "ABORT_ERR" ? "no answer in time" : message || code, { cause: error });
  return new BootstrapError(
    "server-unreachable",
    `Cannot trust ${host}: ${message} (${code}); its authority is not the pinned one`,
    {
      cause: error,
    },
  );
}

async function clockError(options: TransportOptions): Promise<Error> {
  const { ca, url, now } = options;
  try {
    if (!(await isSignedBy(ca, url, options.signal))) return untrusted(url, "its authority is not the pinned one");
    const offsetMs = (await readDate(options)) - now();
    if (!(Math.abs(offsetMs) > maxClockOffsetMs)) return untrusted(url, "its certificate is not valid now; renew it");
    return new BootstrapError("preflight", `Cannot pass preflight: ${describeClock(offsetMs)}`);
  } catch (error) {
    return new RetryableError(`no answer about the time: ${(error as Error).message}`, { cause: error });
  }
}

/** Nothing secret is sent: the answer serves for its Date only. Not a number where it has none. */
async function readDate({ url, signal }: TransportOptions): Promise<number> {
  const agent = new Agent({ rejectUnauthorized: false });
  const answer = await httpsRequest({ url: new URL("/healthz", url), agent, signal }).finally(() => agent.destroy());
  return Date.parse(String(answer.headers["date"]));
}

const untrusted = ({ host }: URL, why: string) =>
  new BootstrapError("server-unreachable", `Cannot trust ${host}: ${why}`);

/** What a bring-up bears: certificates are valid from an hour back. */
export const maxClockOffsetMs = 30_000;

/** One wording for the clock, wherever it is noticed. `offsetMs`: the server's clock minus this machine's. */
export function describeClock(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  return `clock: ${seconds} s ${offsetMs > 0 ? "behind" : "ahead of"} the metadata server; set it (timedatectl set-time, or NTP)`;
}
