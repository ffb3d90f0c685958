import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Answer, refused } from "./fake-redfish-system.ts";

export interface FakeSessionOptions {
  credentials: { username: string; password: string };
  /** `none`: no session service. `full`: no session is free. A number: so many are. An answer: what every login gets. */
  sessions?: "free" | "none" | "full" | number | Answer;
  /** `unknown`: basic authentication is refused, although user and password are right. */
  basic?: "known" | "unknown";
  /** How a login's answer names its session. */
  sessionReference?: "location" | "other-host" | "relative" | "odata-id" | "id";
}

/** Who may use a fake controller: sessions, and basic authentication. */
export interface FakeSessions {
  readonly open: Set<string>;
  /** Number of sessions ever created. */
  logins: number;
  /** How often a wrong user or password was sent, by login or basic authentication. */
  wrongPasswords: number;
  /** How often basic authentication was tried. */
  basicRequests: number;
  logIn(body: unknown): Answer;
  /** Returns the refusal of a request, if it is refused. */
  refuse(headers: IncomingMessage["headers"]): Answer | undefined;
  /** Ends the session of a path. Returns whether there was one. */
  end(path: string): boolean;
}

export const sessionsPath = "/redfish/v1/SessionService/Sessions";

export function createFakeSessions(options: FakeSessionOptions): FakeSessions {
  const { credentials, sessions = "free", basic = "known", sessionReference = "location" } = options;
  const open = new Set<string>();
  /** Id → token. */
  const tokens = new Map<string, string>();
  let lastId = 0;
  const isRight = (username: unknown, password: unknown) =>
    username === credentials.username && password === credentials.password;
  // Some controllers quote the wrong value, too.
  const refuseUser = (username: unknown, password: unknown) => {
    fake.wrongPasswords += 1;
    return refused(401, "Base.1.12.NoValidSession", `There is no user ${String(username)}/${String(password)}.`);
  };
  const isFull = () => sessions === "full" || (typeof sessions === "number" && open.size >= sessions);

  const fake: FakeSessions = {
    open,
    logins: 0,
    wrongPasswords: 0,
    basicRequests: 0,
    logIn(body) {
      const { UserName: username, Password: password } = (body ?? {}) as Record<string, unknown>;
      if (sessions === "none") return refused(404, "Base.1.12.ResourceMissingAtURI", "There is no such resource.");
      if (isFull())
        return refused(503, "Base.1.12.SessionLimitExceeded", "The session establishment failed: too many sessions.");
      if (typeof sessions === "object") return sessions;
      if (!isRight(username, password)) return refuseUser(username, password);
      const [id, token] = [String((lastId += 1)), randomUUID()];
      tokens.set(id, token);
      open.add(token);
      fake.logins += 1;
      const path = `${sessionsPath}/${id}`;
      const [named, headers] = {
        location: [{}, { location: path }],
        "other-host": [{ "@odata.id": path }, { location: `https://10.9.9.9${path}` }],
        relative: [{}, { location: `Sessions/${id}` }],
        "odata-id": [{ "@odata.id": path }, {}],
        id: [{ Id: id }, {}],
      }[sessionReference];
      return { status: 201, body: named, headers: { "x-auth-token": token, ...headers } };
    },
    refuse(headers) {
      if (open.has(String(headers["x-auth-token"]))) return undefined;
      const given = /^Basic (?<encoded>.+)$/.exec(headers.authorization ?? "")?.groups?.["encoded"];
      if (given === undefined) return refused(401, "Base.1.12.NoValidSession", "There is no valid session.");
      fake.basicRequests += 1;
      const [username, ...password] = Buffer.from(given, "base64").toString().split(":");
      if (!isRight(username, password.join(":"))) return refuseUser(username, password.join(":"));
      if (basic === "known") return undefined;
      return refused(401, "Base.1.12.NoValidSession", "Basic authentication is off.");
    },
    end(path) {
      const token = tokens.get(path.slice(sessionsPath.length + 1));
      return token !== undefined && open.delete(token);
    },
  };
  return fake;
}
