import { Agent } from "node:https";
import { isTransientError } from "#lib/transient-errors.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { httpsRequest } from "./https-request.ts";
import { isSignedBy } from "./trust.ts";

const clockCodes = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);
/** An attempt that took too long, and a port on which another program answers for now. */
const transientCodes = new Set(["ABORT_ERR", "HPE_INVALID_CONSTANT"]);

interface TransportOptions {
  ca: string;
  url: URL;
  signal: AbortSignal;
  now: () => number;
}

/**
 * Turns what a request throws into an error that says what to do. A lost connection may be repeated. A certificate that
 * the pinned authority did not sign is an error. One that it signed, but that seems not to be valid now, is an error of
 * the clock.
 */
export async function toTransportError(error: unknown, options: TransportOptions): Promise<Error> {
  if (error instanceof BootstrapError || error instanceof RetryableError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const { host } = options.url;
  if (clockCodes.has(code)) return clockError(options);
  if (isTransientError(error) || transientCodes.has(code) || code === "" || message.includes("socket hang up"))
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

/** Reads the server's time from the Date of an answer, NaN if it has none. Nothing secret is sent. */
async function readDate({ url, signal }: TransportOptions): Promise<number> {
  const agent = new Agent({ rejectUnauthorized: false });
  const answer = await httpsRequest({ url: new URL("/healthz", url), agent, signal }).finally(() => agent.destroy());
  return Date.parse(String(answer.headers["date"]));
}

const untrusted = ({ host }: URL, why: string) =>
  new BootstrapError("server-unreachable", `Cannot trust ${host}: ${why}`);

/** The largest offset that a bring-up tolerates: certificates are valid from an hour back. */
export const maxClockOffsetMs = 30_000;

/** Describes a wrong clock, the same wherever it is noticed. `offsetMs`: the server's clock minus this machine's. */
export function describeClock(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  return `clock: ${seconds} s ${offsetMs > 0 ? "behind" : "ahead of"} the metadata server; set it (timedatectl set-time, or NTP)`;
}
