import type { Clock } from "#lib/clock.ts";
import { retry } from "#lib/retry.ts";
import { isTransientError, wasNotSent } from "#lib/transient-errors.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishAnswer, RedfishConnection, RedfishRequest } from "./connection.ts";
import { toConnectionFailure, toRefusal } from "./failure.ts";
import { isPassing, wasDeclined } from "./passing-refusal.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { Session } from "./session.ts";
import type { PowerTiming } from "./timing.ts";

interface ClientDependencies {
  connection: RedfishConnection;
  session: Session;
  clock: Clock;
  /** Between 0 and 1, for the jitter. */
  chance: () => number;
  timing: PowerTiming;
}

interface CallOptions {
  signal: AbortSignal;
  /** False if twice is not the same as once. Then only a request that cannot have been done is repeated. */
  isRepeatable?: boolean;
  /** Statuses above 299 that are answers, not failures. */
  accepts?: readonly number[];
}

/** Sends requests with credentials, and repeats them after transient failures. */
export interface RedfishClient {
  /** The controller's host, for messages. */
  readonly host: string;
  readonly clock: Clock;
  readonly timing: PowerTiming;
  /** Returns an answer below 300, or one that `accepts` names. Throws PowerError, the last one if the signal aborts. */
  call(request: RedfishRequest, options: CallOptions): Promise<RedfishAnswer>;
}

type Attempt =
  | { kind: "answer"; answer: RedfishAnswer }
  /** A read without its body; controllers send that while they restart. */
  | { kind: "empty"; answer: RedfishAnswer }
  /** The login was refused, so the request was not sent. */
  | { kind: "login"; answer: RedfishAnswer }
  | { kind: "error"; error: unknown }
  | { kind: "no-answer" };

export function createRedfishClient(deps: ClientDependencies): RedfishClient {
  const { connection, session, clock, timing } = deps;
  const { host } = connection;

  async function attempt(request: RedfishRequest, whole: AbortSignal): Promise<Attempt> {
    const signal = AbortSignal.any([whole, AbortSignal.timeout(timing.requestTimeoutMs)]);
    try {
      // A lost session, then basic authentication that the controller does not know, then the login again.
      for (let left = 2; ; left -= 1) {
        const made = await sendAuthorized(request, signal);
        if (made.kind === "login" || !session.note(made.answer) || left === 0) return made;
      }
    } catch (error) {
      return signal.aborted ? { kind: "no-answer" } : { kind: "error", error };
    }
  }

  async function sendAuthorized(request: RedfishRequest, signal: AbortSignal) {
    const refusal = await session.open(signal);
    if (refusal !== undefined) return { kind: "login" as const, answer: refusal };
    const headers = { ...request.headers, ...session.headers() };
    const answer = await connection.send({ ...request, headers }, signal);
    const isEmpty = request.method === "GET" && answer.status < 300 && (answer.body ?? undefined) === undefined;
    return { kind: isEmpty ? ("empty" as const) : ("answer" as const), answer };
  }

  function toFailure(made: Attempt): PowerError {
    if (made.kind === "no-answer") return new PowerError("unreachable", `${host} did not answer in time`);
    if (made.kind === "error") return toConnectionFailure(made.error, host);
    if (made.kind === "empty")
      return new PowerError("unreachable", `${host} answered ${made.answer.status} without JSON`);
    return toRefusal(made.answer, { host, secrets: session.secrets(), advice: session.advice() });
  }

  return {
    host,
    clock,
    timing,
    async call(request, { signal, isRepeatable = true, accepts = [] }) {
      let made: Attempt = { kind: "no-answer" };
      const attemptOnce = async () => {
        made = await attempt(request, signal);
        if (made.kind === "answer" && (made.answer.status < 300 || accepts.includes(made.answer.status)))
          return made.answer;
        throw toFailure(made);
      };
      if (signal.aborted) throw toFailure(made);
      return retry(attemptOnce, {
        signal,
        clock,
        random: deps.chance,
        delays: { firstMs: timing.firstRetryMs, longestMs: timing.longestRetryMs, jitter: [0.5, 1] },
        isRetriable: () => signal.aborted || (isRepeatable ? isTransient(made) : wasNotDone(made)),
        delayFor: () => ("answer" in made ? retryAfterMs(made.answer.headers["retry-after"], clock.now()) : undefined),
      });
    },
  };
}

function isTransient(made: Attempt): boolean {
  if (made.kind === "no-answer" || made.kind === "empty") return true;
  return made.kind === "error" ? isTransientError(made.error) : isPassing(made.answer);
}

function wasNotDone(made: Attempt): boolean {
  if (made.kind === "no-answer" || made.kind === "empty") return false;
  if (made.kind === "error") return wasNotSent(made.error);
  return made.kind === "login" ? isTransient(made) : wasDeclined(made.answer);
}
