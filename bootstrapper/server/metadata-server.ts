import { Agent } from "node:https";
import { z } from "zod";
import { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import { type Hardware, NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import { Problem } from "#api/problem.ts";
import type { Report } from "#api/report.ts";
import { BootstrapError } from "../errors.ts";
import { hashCapability } from "../journal/allocation.ts";
import type { Origin } from "../origin.ts";
import { parseJson } from "../parse.ts";
import { toTransportError } from "./clock.ts";
import { type HttpsAnswer, httpsRequest } from "./https-request.ts";
import { retry, RetryableError } from "./retry.ts";

export interface MetadataServerOptions {
  url: string;
  /** PEM of the one authority that is trusted. */
  ca: string;
  capability: string;
  /** Of an earlier run: the capability is exchanged already. */
  reportToken?: string | undefined;
  /** The capability may be spent: without a report token, reports wait for the confirmation. */
  isSpent?: boolean;
  hardware: Hardware;
  now?: () => number;
  /** For one attempt; the server holds metadata for 25 s. */
  attemptTimeoutMs?: number;
}

export interface MetadataServer extends Origin {
  readonly url: URL;
  /** Held by the server until the document is final; asked again for as long as the signal allows. */
  metadata(signal: AbortSignal): Promise<NodeMetadata>;
  claim(allocation: string, signal: AbortSignal): Promise<Credentials>;
  /** Exchanges the capability for a report token, which is used from then on. */
  confirm(allocation: string, signal: AbortSignal): Promise<ClaimConfirmed>;
  /** One attempt. Throws RetryableError where it may be sent again. */
  readonly report: (report: Report, signal: AbortSignal) => Promise<void>;
  peers(signal: AbortSignal): Promise<PeerReports>;
  /** The server's clock minus this machine's, by the last answer; undefined before the first. */
  clockOffsetMs(): number | undefined;
  close(): void;
}

const retryableStatus = new Set([408, 425, 429, 500, 502, 503, 504]);
const maxRetryAfterMs = 5000;
/** A server that says 0 is not asked in a tight loop. */
const minRetryAfterMs = 50;
const Anything = z.unknown();

export function createMetadataServer(options: MetadataServerOptions): MetadataServer {
  const { ca, hardware, now = Date.now, attemptTimeoutMs = 35_000 } = options;
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 4 });
  const base = new URL(options.url);
  let token = options.reportToken ?? options.capability;
  let confirming: Promise<unknown> | undefined;
  let offsetMs: number | undefined;

  async function attempt(path: string, signal: AbortSignal, body?: unknown): Promise<HttpsAnswer> {
    const url = new URL(path, base);
    const sentWith = token;
    try {
      const answer = await httpsRequest({
        url,
        agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
        method: body === undefined ? "GET" : "POST",
        headers: {
          accept: "application/json",
          authorization: `Bearer ${sentWith}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const date = Date.parse(String(answer.headers["date"]));
      if (!Number.isNaN(date)) offsetMs = date - now();
      // The token changes with the confirmation: a refusal that crosses it was for the old one.
      if (answer.status === 403 && !path.endsWith("/confirm")) await confirming;
      if (answer.status === 403 && sentWith !== token)
        throw new RetryableError("the token changed", { retryAfterMs: 0 });
      if (retryableStatus.has(answer.status)) throw toRetryable(answer);
      return answer;
    } catch (error) {
      throw await toTransportError(error, { ca, url: base, signal, now });
    }
  }

  async function ask<T extends z.ZodType>(
    schema: T,
    { path, what, body, signal }: { path: string; what: string; body?: unknown; signal: AbortSignal },
  ): Promise<z.output<T>> {
    return retry(
      async () => {
        const answer = await attempt(path, signal, body);
        if (answer.status !== 200) throw new RefusedError(what, answer);
        return parseJson(schema, answer.body, `${what} from ${base.host}`);
      },
      { signal, failure: `Cannot get ${what} from ${base.host}` },
    );
  }

  return {
    record: { kind: "server", url: options.url, ca, capabilitySha256: hashCapability(options.capability) },
    url: base,
    metadata: (signal) =>
      ask(NodeMetadata, { path: `/node/v1/metadata?${toQuery(hardware).toString()}`, what: "metadata", signal }),
    claim: (allocation, signal) =>
      ask(Credentials, { path: "/node/v1/claim", what: "credentials", body: { allocation, hardware }, signal }),
    async confirm(allocation, signal) {
      const body = { allocation, hardware };
      const asked = ask(ClaimConfirmed, { path: "/node/v1/claim/confirm", what: "report token", body, signal });
      const exchanged = asked.then((confirmed) => {
        token = confirmed.reportToken;
        return confirmed;
      });
      confirming = exchanged.catch(() => undefined);
      return exchanged;
    },
    async report(report, signal) {
      if (options.isSpent && token === options.capability) throw new RetryableError("there is no report token yet");
      const answer = await attempt("/node/v1/reports", signal, report);
      if (answer.status >= 300) throw new RefusedError("an acknowledgement of a report", answer);
    },
    peers: (signal) => ask(PeerReports, { path: "/node/v1/peers", what: "peers", signal }),
    clockOffsetMs: () => offsetMs,
    close: () => agent.destroy(),
  };
}

function toQuery({ macs, uuid, serial, addresses = [], rootDevice, instanceIdentity }: Hardware): URLSearchParams {
  const { document, signature } = instanceIdentity ?? {};
  return new URLSearchParams([
    ...macs.map((mac) => ["mac", mac] as [string, string]),
    ...(uuid === undefined ? [] : [["uuid", uuid] as [string, string]]),
    ...(serial === undefined ? [] : [["serial", serial] as [string, string]]),
    ...addresses.map((address) => ["address", address] as [string, string]),
    ...(rootDevice === undefined ? [] : [["rootDevice", rootDevice] as [string, string]]),
    ...(document === undefined ? [] : [["identityDocument", document] as [string, string]]),
    ...(signature === undefined ? [] : [["identitySignature", signature] as [string, string]]),
  ]);
}

function toRetryable({ status, headers, body }: HttpsAnswer): RetryableError {
  return new RetryableError(`status ${status}${detailOf(body)}`, toDelay(headers["retry-after"]));
}

/** The server understood, and will say the same again. */
export class RefusedError extends BootstrapError {
  override name = "RefusedError";
  readonly status: number;
  constructor(what: string, { status, body }: HttpsAnswer) {
    super("invalid-input", `Cannot get ${what}: the server refused with status ${status}${detailOf(body)}`);
    this.status = status;
  }
}

/** Whole seconds, within bounds; a date or anything else counts as none. */
function toDelay(retryAfter: unknown): { retryAfterMs?: number } {
  if (typeof retryAfter !== "string" || !/^\d{1,9}$/.test(retryAfter)) return {};
  return { retryAfterMs: Math.min(maxRetryAfterMs, Math.max(minRetryAfterMs, Number(retryAfter) * 1000)) };
}

/** What a problem document says; an HTML error page says nothing worth repeating. */
function detailOf(body: string): string {
  try {
    const problem = Problem.safeParse(Anything.parse(JSON.parse(body)));
    if (!problem.success) return "";
    const { detail, title, errors = [] } = problem.data;
    const fields = errors.map((error) => `${error.pointer} ${error.detail}`);
    return ` (${[detail ?? title, ...fields].join("; ")})`;
  } catch {
    return "";
  }
}
