import { createHash, randomUUID, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import {
  type Answer,
  createFakeSystem,
  defaultResetTypes,
  type FakeSystem,
  type FakeSystemOptions,
  refused,
} from "./fake-redfish-system.ts";
import { listen } from "./fake-metadata-server.ts";

export type RedfishFault =
  | ({ kind: "answer" } & Answer)
  /** Nothing is done, and the connection is cut. */
  | { kind: "drop" }
  /** It is done, and the connection is cut before the answer. */
  | { kind: "drop-answer" }
  | { kind: "slow"; delayMs: number }
  /** Every session ends, as after a restart of the controller. */
  | { kind: "lose-sessions" };

export interface FakeRedfishOptions extends FakeSystemOptions {
  tls: { certificate: string; key: string };
  credentials: { username: string; password: string };
  systems?: readonly string[];
  /** `none`: there is no session service. `full`: none is free. */
  sessions?: "free" | "none" | "full";
  /** `required`: a change without `If-Match` is refused. `strong`: the weak ETag must be sent as a strong one. */
  ifMatch?: "optional" | "required" | "strong";
  /** The reset types are in a resource of their own. */
  hasActionInfo?: boolean;
  /** The next boot is set in a resource of its own. */
  hasSettings?: boolean;
}

export interface FakeRedfish {
  /** Of the controller; its systems are `/redfish/v1/Systems/…`. */
  url: URL;
  /** Of its certificate, SHA-256. */
  fingerprint: string;
  system: FakeSystem;
  /** Without the service's root and the sessions' own. */
  requests: { method: string; path: string; body: unknown; headers: IncomingMessage["headers"] }[];
  /** `METHOD path` → what happens to the next ones, each once. */
  faults: Map<string, RedfishFault[]>;
  openSessions: Set<string>;
  /** How many there ever were. */
  logins: number;
  close(): Promise<void>;
}

const sessionsPath = "/redfish/v1/SessionService/Sessions";

/** A fake management controller over real TLS, in DMTF's shapes; a real machine may hang on it. */
export async function startFakeRedfish(options: FakeRedfishOptions): Promise<FakeRedfish> {
  const { tls, credentials, systems = ["1"], ifMatch = "optional", sessions = "free" } = options;
  const system = createFakeSystem(options);
  const basic = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
  const systemPath = `/redfish/v1/Systems/${systems[0]}`;
  const bootPath = options.hasSettings ? `${systemPath}/SD` : systemPath;
  const etagOf = () => `W/"${system.etag}"`;

  const logIn = (body: unknown): Answer => {
    const { UserName: username, Password: password } = (body ?? {}) as Record<string, unknown>;
    if (sessions === "none") return refused(404, "Base.1.12.ResourceMissingAtURI", "There is no such resource.");
    if (sessions === "full")
      return refused(503, "Base.1.12.SessionLimitExceeded", "The session establishment failed: too many sessions.");
    if (username !== credentials.username || password !== credentials.password)
      // As some do, with the very value that was wrong.
      return refused(401, "Base.1.12.NoValidSession", `There is no user ${String(username)}/${String(password)}.`);
    const token = randomUUID();
    fake.openSessions.add(token);
    fake.logins += 1;
    return { status: 201, body: {}, headers: { "x-auth-token": token, location: `${sessionsPath}/${token}` } };
  };

  const patch = (headers: IncomingMessage["headers"], body: unknown): Answer => {
    const given = headers["if-match"];
    if (given === undefined && ifMatch !== "optional")
      return refused(428, "Base.1.12.PreconditionRequired", "The request needs an If-Match header.");
    const expected = ifMatch === "strong" ? `"${system.etag}"` : etagOf();
    if (given !== undefined && given !== "*" && given !== expected)
      return refused(412, "Base.1.12.PreconditionFailed", "The ETag supplied did not match.");
    return system.patch(body);
  };

  const get = (body: unknown): Answer => ({ status: 200, body, headers: { etag: etagOf() } });

  const answer = async (
    method: string,
    path: string,
    request: { headers: IncomingMessage["headers"]; body: unknown },
  ) => {
    switch (`${method} ${path}`) {
      case "GET /redfish/v1/Systems":
        return get({ Members: systems.map((id) => ({ "@odata.id": `/redfish/v1/Systems/${id}` })) });
      case `GET ${systemPath}`:
        return get(toComputerSystem(systemPath, system, options));
      case `GET ${systemPath}/SD`:
        return get({ "@odata.id": bootPath, Boot: system.boot });
      case `GET ${systemPath}/ResetActionInfo`:
        return get({ Parameters: [{ Name: "ResetType", AllowableValues: options.resetTypes ?? defaultResetTypes }] });
      case `PATCH ${bootPath}`:
        return patch(request.headers, request.body);
      case `POST ${systemPath}/Actions/ComputerSystem.Reset`:
        return system.reset(request.body);
      default:
        return refused(404, "Base.1.12.ResourceMissingAtURI", `There is no resource at ${path}.`);
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const method = request.method ?? "";
    const path = (request.url ?? "/").replace(/\/$/, "");
    const body = await readBody(request);
    const fault = fake.faults.get(`${method} ${path}`)?.shift();
    if (fault?.kind === "lose-sessions") fake.openSessions.clear();
    if (fault?.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.kind === "drop") return request.socket.destroy();
    if (fault?.kind === "answer") return send(response, fault);
    if (`${method} ${path}` === "GET /redfish/v1")
      return send(response, { status: 200, body: { Systems: { "@odata.id": "/redfish/v1/Systems" } } });
    if (`${method} ${path}` === `POST ${sessionsPath}`) return send(response, logIn(body));
    const token = String(request.headers["x-auth-token"]);
    if (!fake.openSessions.has(token) && request.headers.authorization !== basic)
      return send(response, refused(401, "Base.1.12.NoValidSession", "There is no valid session."));
    if (method === "DELETE" && path.startsWith(`${sessionsPath}/`)) {
      fake.openSessions.delete(path.slice(sessionsPath.length + 1));
      return send(response, { status: 204 });
    }
    fake.requests.push({ method, path, body, headers: request.headers });
    const result = await answer(method, path, { headers: request.headers, body });
    return fault?.kind === "drop-answer" ? request.socket.destroy() : send(response, result);
  };

  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    handle(request, response).catch((error: unknown) =>
      send(response, refused(500, "Base.1.12.InternalError", String(error))),
    );
  });
  const fake: FakeRedfish = {
    url: new URL(`https://127.0.0.1:${await listen(server, {})}`),
    fingerprint: createHash("sha256").update(new X509Certificate(tls.certificate).raw).digest("hex"),
    system,
    requests: [],
    faults: new Map(),
    openSessions: new Set(),
    logins: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

function toComputerSystem(path: string, system: FakeSystem, options: FakeRedfishOptions): object {
  const { resetTypes = defaultResetTypes, bootTargets = ["None", "Pxe", "Hdd", "BiosSetup"] } = options;
  const target = `${path}/Actions/ComputerSystem.Reset`;
  return {
    "@odata.id": path,
    "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
    Id: path.split("/").at(-1),
    Name: "Fake system",
    PowerState: system.shownPower(),
    Boot: { ...system.boot, "BootSourceOverrideTarget@Redfish.AllowableValues": bootTargets },
    Actions: {
      "#ComputerSystem.Reset": options.hasActionInfo
        ? { target, "@Redfish.ActionInfo": `${path}/ResetActionInfo` }
        : { target, "ResetType@Redfish.AllowableValues": resetTypes },
    },
    ...(options.hasSettings && { "@Redfish.Settings": { SettingsObject: { "@odata.id": `${path}/SD` } } }),
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { "content-type": "application/json", "odata-version": "4.0", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
