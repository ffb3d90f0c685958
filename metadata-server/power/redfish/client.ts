import type { Clock } from "../../clusters/clock.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishAnswer, RedfishConnection, RedfishRequest } from "./connection.ts";
import { toConnectionFailure, toRefusal } from "./failure.ts";
import { createBackoff, isPassing, isPassingError, wasNotSent } from "./retry.ts";
import type { Session } from "./session.ts";
import type { PowerTiming } from "./timing.ts";

export interface ClientDependencies {
  connection: RedfishConnection;
  session: Session;
  clock: Clock;
  /** Between 0 and 1, for the jitter. */
  chance: () => number;
  timing: PowerTiming;
}

export interface CallOptions {
  signal: AbortSignal;
  /** False where twice is not the same as once: then only what cannot have been done is repeated. */
  isRepeatable?: boolean;
  /** These are answers, not failures. */
  accepts?: readonly number[];
}

/** Requests as they are meant: with credentials, repeated where the failure passes, every other one an error. */
export interface RedfishClient {
  /** Of the controller, for messages. */
  readonly host: string;
  readonly clock: Clock;
  readonly timing: PowerTiming;
  /** Ends with an answer below 300 or one that `accepts` names. Throws PowerError: the last one when the signal aborts. */
  call(request: RedfishRequest, options: CallOptions): Promise<RedfishAnswer>;
}

type Attempt =
  | { kind: "answer"; answer: RedfishAnswer }
  /** The login was refused, so that the request was not sent. */
  | { kind: "login"; answer: RedfishAnswer }
  | { kind: "error"; error: unknown }
  | { kind: "no-answer" };

export function createRedfishClient(deps: ClientDependencies): RedfishClient {
  const { connection, session, clock, timing } = deps;
  const { host } = connection;

  async function attempt(request: RedfishRequest, whole: AbortSignal): Promise<Attempt> {
    const signal = AbortSignal.any([whole, AbortSignal.timeout(timing.requestTimeoutMs)]);
    try {
      const first = await sendAuthorized(request, signal);
      // A session ends when it was idle, or when the controller restarts.
      return first.answer.status === 401 && session.forget() ? await sendAuthorized(request, signal) : first;
    } catch (error) {
      return signal.aborted ? { kind: "no-answer" } : { kind: "error", error };
    }
  }

  async function sendAuthorized(request: RedfishRequest, signal: AbortSignal) {
    const refusal = await session.open(signal);
    if (refusal !== undefined) return { kind: "login" as const, answer: refusal };
    const headers = { ...request.headers, ...session.headers() };
    return { kind: "answer" as const, answer: await connection.send({ ...request, headers }, signal) };
  }

  function toFailure(made: Attempt): PowerError {
    if (made.kind === "no-answer") return new PowerError("unreachable", `${host} did not answer in time`);
    if (made.kind === "error") return toConnectionFailure(made.error, host);
    return toRefusal(made.answer, { host, secrets: session.secrets() });
  }

  return {
    host,
    clock,
    timing,
    async call(request, { signal, isRepeatable = true, accepts = [] }) {
      const backoff = createBackoff(deps, timing);
      let last: PowerError | undefined;
      for (;;) {
        const made = await attempt(request, signal);
        if (made.kind === "answer" && (made.answer.status < 300 || accepts.includes(made.answer.status)))
          return made.answer;
        // An attempt that the deadline cut off says less than the one before.
        const failure: PowerError = signal.aborted && last !== undefined ? last : toFailure(made);
        last = failure;
        const mayRepeat = isRepeatable ? canPass(made) : cannotBeDone(made);
        if (!mayRepeat || signal.aborted) throw failure;
        await backoff.wait("answer" in made ? made.answer.headers["retry-after"] : undefined, signal);
        if (signal.aborted) throw failure;
      }
    },
  };
}

function canPass(made: Attempt): boolean {
  if (made.kind === "no-answer") return true;
  return made.kind === "error" ? isPassingError(made.error) : isPassing(made.answer.status);
}

function cannotBeDone(made: Attempt): boolean {
  if (made.kind === "no-answer") return false;
  if (made.kind === "error") return wasNotSent(made.error);
  return made.kind === "login" ? canPass(made) : [429, 503].includes(made.answer.status);
}
