import { retry } from "#lib/retry.ts";
import { isTransientStatus } from "#lib/transient-errors.ts";
import type { RedfishAnswer, RedfishConnection } from "./connection.ts";
import { isPassing, saysNoSession } from "./passing-refusal.ts";
import { sessionsPath, toSessionPath } from "./session-path.ts";

export interface RedfishCredentials {
  username: string;
  password: string;
}

/** Authenticates to the controller: by a session (DSP0266), or by HTTP basic authentication if it gives none. */
export interface Session {
  /** Logs in if necessary. Returns the login's refusal if basic authentication is no way either. */
  open(signal: AbortSignal): Promise<RedfishAnswer | undefined>;
  headers(): Record<string, string>;
  /** Notes the answer to a request that had `headers`. Returns whether the request may succeed after another login. */
  note(answer: RedfishAnswer): boolean;
  /** What to do about the last answer, if it was 401. */
  advice(): string;
  /** Whether the controller has refused user and password, so that they must not be sent again. */
  isRefused(): boolean;
  /** Values that no message may have. */
  secrets(): string[];
  /** Closes every session that was opened. Never fails. */
  close(signal: AbortSignal): Promise<void>;
}

type State =
  | { kind: "closed" }
  | { kind: "session"; token: string }
  /** `refusal`: the login's answer. */
  | { kind: "basic"; refusal: RedfishAnswer };

interface SessionOptions {
  credentials: RedfishCredentials;
  /** Limit of a login, in milliseconds. */
  loginTimeoutMs: number;
}

export function createSession(connection: RedfishConnection, { credentials, loginTimeoutMs }: SessionOptions): Session {
  const { username, password } = credentials;
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  const opened: { token: string; path: string | undefined }[] = [];
  let state: State = { kind: "closed" };
  let login: Promise<RedfishAnswer> | undefined;
  let isBasicRefused = false;
  let isRefused = false;

  async function logIn(): Promise<RedfishAnswer> {
    const request = { method: "POST", path: sessionsPath, body: { UserName: username, Password: password } } as const;
    const answer = await connection.send(request, AbortSignal.timeout(loginTimeoutMs));
    const token = answer.headers["x-auth-token"];
    if (answer.status >= 300 || typeof token !== "string") return answer;
    opened.push({ token, path: toSessionPath(answer, connection.origin) });
    state = { kind: "session", token };
    return answer;
  }

  const headers = (): Record<string, string> => {
    if (state.kind === "session") return { "x-auth-token": state.token };
    return state.kind === "basic" ? { authorization: `Basic ${basic}` } : {};
  };

  async function end(path: string, token: string, signal: AbortSignal): Promise<void> {
    // A session that was lost may be closed by the one after it.
    const isLast = state.kind === "session" && state.token === token;
    const authorizations = [{ "x-auth-token": token }, ...(isLast || state.kind === "closed" ? [] : [headers()])];
    for (const authorization of authorizations) {
      const answer = await connection.send({ method: "DELETE", path, headers: authorization }, signal);
      if (isTransientStatus(answer.status)) throw new Error(`The controller answered ${answer.status}`);
      if (answer.status !== 401) return;
    }
  }

  return {
    async open(signal) {
      signal.throwIfAborted();
      if (state.kind !== "closed") return undefined;
      // The login continues if the caller gives up: only its answer says which session to close.
      login ??= logIn().finally(() => (login = undefined));
      const answer = await untilAborted(login, signal);
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- set by the login
      if ((state as State).kind === "session") return undefined;
      if (isBasicRefused) return answer;
      state = { kind: "basic", refusal: answer };
      return undefined;
    },
    headers,
    note(answer) {
      if (state.kind === "session" && answer.status === 401) {
        // Idle sessions expire, and a controller that restarts forgets them.
        state = { kind: "closed" };
        return true;
      }
      if (state.kind !== "basic") return false;
      const { refusal } = state;
      const isWrong = answer.status === 401 && !isPassing(answer);
      if (isWrong && isPassing(refusal)) isBasicRefused = true;
      else if (isWrong) isRefused = true;
      // A controller that restarts gives sessions again soon; one that is full does not.
      if (isPassing(refusal) && (isBasicRefused || !saysNoSession(refusal))) state = { kind: "closed" };
      return isBasicRefused;
    },
    advice: () =>
      isRefused
        ? "check user and password"
        : "the controller refuses the session that it opened; restart the controller",
    isRefused: () => isRefused,
    secrets: () => [password, basic, ...opened.map(({ token }) => token)],
    async close(signal) {
      if (login !== undefined) await untilAborted(login, signal).catch(() => undefined);
      for (const { path, token } of opened.splice(0))
        if (path !== undefined)
          await retry(() => end(path, token, signal), { signal, maxAttempts: 3, delays: { firstMs: 200 } }).catch(
            // A session that stays open expires.
            () => undefined,
          );
      state = { kind: "closed" };
    },
  };
}

/** For a controller that needs no credentials. */
export const noSession: Session = {
  open: async () => undefined,
  headers: () => ({}),
  note: () => false,
  advice: () => "the controller requires a user and a password, and none are set",
  isRefused: () => false,
  secrets: () => [],
  close: async () => undefined,
};

/** Waits for a promise, or rejects when the signal aborts. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
