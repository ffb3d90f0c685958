import type { RedfishAnswer, RedfishConnection } from "./connection.ts";
import { messageKeys } from "./controller-words.ts";

export interface RedfishCredentials {
  username: string;
  password: string;
}

/** Who Sprout is to the controller: a session of its own (DSP0266), HTTP basic authentication where there are none. */
export interface Session {
  /** Logs in where that is to be done; the answer where that was refused. */
  open(signal: AbortSignal): Promise<RedfishAnswer | undefined>;
  headers(): Record<string, string>;
  /** Whether logging in again may help. */
  forget(): boolean;
  /** What must not be in any message. */
  secrets(): string[];
  close(signal: AbortSignal): Promise<void>;
}

const sessionsPath = "/redfish/v1/SessionService/Sessions";

type State = { kind: "closed" } | { kind: "basic" } | { kind: "session"; token: string; location: string | undefined };

export function createSession(connection: RedfishConnection, { username, password }: RedfishCredentials): Session {
  let state: State = { kind: "closed" };
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  return {
    async open(signal) {
      if (state.kind !== "closed") return undefined;
      const body = { UserName: username, Password: password };
      const answer = await connection.send({ method: "POST", path: sessionsPath, body }, signal);
      const token = answer.headers["x-auth-token"];
      if (answer.status < 300 && typeof token === "string")
        state = { kind: "session", token, location: answer.headers.location };
      else if (answer.status < 300 || hasNoSessions(answer)) state = { kind: "basic" };
      else return answer;
      return undefined;
    },
    headers(): Record<string, string> {
      if (state.kind === "session") return { "x-auth-token": state.token };
      return state.kind === "basic" ? { authorization: `Basic ${basic}` } : {};
    },
    forget() {
      const wasSession = state.kind === "session";
      if (wasSession) state = { kind: "closed" };
      return wasSession;
    },
    secrets: () => [password, basic, ...(state.kind === "session" ? [state.token] : [])],
    async close(signal) {
      if (state.kind !== "session" || state.location === undefined) return;
      const { token, location: path } = state;
      state = { kind: "closed" };
      await connection.send({ method: "DELETE", path, headers: { "x-auth-token": token } }, signal);
    },
  };
}

/** Of a controller that asks for no credentials. */
export const noSession: Session = {
  open: async () => undefined,
  headers: () => ({}),
  forget: () => false,
  secrets: () => [],
  close: async () => undefined,
};

/** None at all, or all of its few are in use. */
const hasNoSessions = ({ status, body }: RedfishAnswer) =>
  [404, 405, 501].includes(status) || messageKeys(body).includes("SessionLimitExceeded");
