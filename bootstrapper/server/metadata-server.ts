import { Agent } from "node:https";
import type { z } from "zod";
import { ClaimConfirmed, Credentials } from "#api/credentials.ts";
import { type Hardware, NodeMetadata, PeerReports } from "#api/node-metadata.ts";
import { Problem } from "#api/problem.ts";
import type { HttpAnswer } from "#lib/http-request.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { isTransientStatus } from "#lib/transient-errors.ts";
import { BootstrapError, RetryableError } from "../errors.ts";
import { hashCapability } from "../journal/allocation.ts";
import type { OpenSource } from "../open-source.ts";
import { parseJson } from "../parse.ts";
import { retryRequest } from "../poll.ts";
import { toTransportError } from "./clock.ts";
import { httpsRequest } from "./https-request.ts";

export interface MetadataServerOptions {
  url: string;
  /** PEM of the only trusted authority. */
  ca: string;
  capability: string;
  /** From an earlier run, which exchanged the capability for it. */
  reportToken?: string | undefined;
  /** The capability may be spent: without a report token, reports wait for the confirmation. */
  isSpent?: boolean;
  hardware: Hardware;
  now?: () => number;
  /** Limit of one attempt; the server holds metadata for 25 s. */
  attemptTimeoutMs?: number;
}

/**
 * A source that also takes the confirmation and reports. The server holds a request for metadata until the document is
 * final; it is repeated for as long as the signal allows. `confirm` exchanges the capability for a report token, which is
 * used from then on.
 */
export type MetadataServer = OpenSource & Required<Pick<OpenSource, "confirm" | "report" | "peers">> & { url: URL };

const maxRetryAfterMs = 5000;
/** A server that answers 0 must not be called in a tight loop. */
const minRetryAfterMs = 50;

export function createMetadataServer(options: MetadataServerOptions): MetadataServer {
  const { ca, hardware, now = Date.now, attemptTimeoutMs = 35_000 } = options;
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 4 });
  const base = new URL(options.url);
  let token = options.reportToken ?? options.capability;
  let confirming: Promise<unknown> | undefined;
  let offsetMs: number | undefined;

  async function attempt(path: string, signal: AbortSignal, body?: unknown): Promise<HttpAnswer> {
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
      // The token changes with the confirmation, and a refusal that crosses it meant the old one: unknown, or spent.
      const isRefused = answer.status === 403 || answer.status === 409;
      if (isRefused && !path.endsWith("/confirm")) await confirming;
      if (isRefused && sentWith !== token) throw new RetryableError("the token changed", { retryAfterMs: 0 });
      if (isTransientStatus(answer.status)) throw toRetryable(answer);
      return answer;
    } catch (error) {
      throw await toTransportError(error, { ca, url: base, signal, now });
    }
  }

  async function ask<T>(
    schema: z.ZodType<T>,
    { path, what, body, signal }: { path: string; what: string; body?: unknown; signal: AbortSignal },
  ): Promise<T> {
    return retryRequest(
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
    async confirm(allocation, signal, keep) {
      const body = { allocation, hardware };
      const asked = ask(ClaimConfirmed, { path: "/node/v1/claim/confirm", what: "report token", body, signal });
      const exchanged = asked.then(async (confirmed) => {
        await keep?.(confirmed.reportToken);
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

const given = (fields: Record<string, string | undefined>) =>
  Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));

function toQuery({ macs, uuid, serial, addresses = [], rootDevice, instanceIdentity }: Hardware): URLSearchParams {
  const { document: identityDocument, signature: identitySignature } = instanceIdentity ?? {};
  return new URLSearchParams([
    ...macs.map((mac) => ["mac", mac]),
    ...given({ uuid, serial }),
    ...addresses.map((address) => ["address", address]),
    ...given({ rootDevice, identityDocument, identitySignature }),
  ]);
}

function toRetryable({ status, headers, body }: HttpAnswer): RetryableError {
  return new RetryableError(`status ${status}${detailOf(body)}`, toDelay(headers["retry-after"]));
}

/** The server understood the request, and would refuse it again. */
export class RefusedError extends BootstrapError {
  override name = "RefusedError";
  readonly status: number;
  constructor(what: string, { status, body }: HttpAnswer) {
    super("invalid-input", `Cannot get ${what}: the server refused with status ${status}${detailOf(body)}`);
    this.status = status;
  }
}

/** Parses whole seconds, within bounds. A date or anything else counts as none. */
function toDelay(retryAfter: unknown): { retryAfterMs?: number } {
  if (typeof retryAfter !== "string" || !/^\d{1,9}$/.test(retryAfter)) return {};
  return { retryAfterMs: Math.min(maxRetryAfterMs, Math.max(minRetryAfterMs, Number(retryAfter) * 1000)) };
}

/** Returns what a problem document says. An HTML error page says nothing useful. */
function detailOf(body: string): string {
  const problem = Problem.safeParse(parseJsonOrNothing(body));
  if (!problem.success) return "";
  const { detail, title, errors = [] } = problem.data;
  const fields = errors.map((error) => `${error.pointer} ${error.detail}`);
  return ` (${[detail ?? title, ...fields].join("; ")})`;
}
