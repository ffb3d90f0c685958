import { createHash, X509Certificate } from "node:crypto";
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
import {
  createFakeSessions,
  type FakeSessionOptions,
  type FakeSessions,
  sessionsPath,
} from "./fake-redfish-sessions.ts";
import { listen } from "./fake-metadata-server.ts";

type RedfishFault =
  | ({ kind: "answer" } & Answer)
  /** Does nothing and closes the connection. */
  | { kind: "drop" }
  /** Does it, and closes the connection before the answer. */
  | { kind: "drop-answer" }
  /** Does it, and closes the connection within the body of its answer. With a status, does nothing and answers that. */
  | { kind: "truncate"; status?: number }
  | { kind: "slow"; delayMs: number }
  /** Ends every session, as a restart of the controller does. */
  | { kind: "lose-sessions" };

export interface FakeRedfishOptions extends FakeSystemOptions, FakeSessionOptions {
  tls: { certificate: string; key: string };
  systems?: readonly string[];
  ifMatch?: IfMatch;
  /** Fields of the ComputerSystem that differ, such as null where the schema has an object. */
  fields?: Record<string, unknown>;
  /** The reset types are in a resource of their own. */
  hasActionInfo?: boolean;
  /** The next boot is set in a resource of its own. */
  hasSettings?: boolean;
}

type IfMatch =
  | "optional"
  /** A change without `If-Match` is refused. */
  | "required"
  /** The weak ETag must be sent as a strong one. */
  | "strong"
  /** A change with any `If-Match` is refused. */
  | "refused"
  /** The header's ETag is quoted twice, and only the body's is accepted. */
  | "body";

export interface FakeRedfish extends Pick<FakeSessions, "logins" | "wrongPasswords" | "basicRequests"> {
  /** The controller's URL; its systems are `/redfish/v1/Systems/…`. */
  url: URL;
  /** SHA-256 fingerprint of its certificate. */
  fingerprint: string;
  system: FakeSystem;
  /** Requests other than those to the service root and the sessions. */
  requests: { method: string; path: string; body: unknown; headers: IncomingMessage["headers"] }[];
  /** `METHOD path` → faults of the next requests, each used once. */
  faults: Map<string, RedfishFault[]>;
  openSessions: Set<string>;
  close(): Promise<void>;
}

/** A fake management controller over real TLS, in DMTF's shapes; a test may attach an emulated machine. */
export async function startFakeRedfish(options: FakeRedfishOptions): Promise<FakeRedfish> {
  const { tls, systems = ["1"], ifMatch = "optional" } = options;
  const system = createFakeSystem(options);
  const sessions = createFakeSessions(options);
  const systemPath = `/redfish/v1/Systems/${systems[0]}`;
  const bootPath = options.hasSettings ? `${systemPath}/SD` : systemPath;
  const etagOf = () => `W/"${system.etag}"`;

  const patch = (headers: IncomingMessage["headers"], body: unknown): Answer => {
    const given = headers["if-match"];
    if (given === undefined && !["optional", "refused"].includes(ifMatch))
      return refused(428, "Base.1.12.PreconditionRequired", "The request needs an If-Match header.");
    const accepted = { optional: [etagOf(), "*"], required: [etagOf(), "*"], strong: [`"${system.etag}"`, "*"] };
    const values: Record<IfMatch, string[]> = { ...accepted, refused: [], body: [etagOf()] };
    if (given !== undefined && !values[ifMatch].includes(given))
      return refused(412, "Base.1.12.PreconditionFailed", "The ETag supplied did not match.");
    return system.patch(body);
  };

  const get = (body: object): Answer =>
    ifMatch === "body"
      ? { status: 200, body: { "@odata.etag": etagOf(), ...body }, headers: { etag: `"${etagOf()}"` } }
      : { status: 200, body, headers: { etag: etagOf() } };

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
      case `GET ${bootPath}`:
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
    if (fault?.kind === "lose-sessions") sessions.open.clear();
    if (fault?.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.kind === "drop") return request.socket.destroy();
    if (fault?.kind === "answer") return send(response, fault);
    if (fault?.kind === "truncate" && fault.status !== undefined) return truncate(response, { status: fault.status });
    if (`${method} ${path}` === "GET /redfish/v1")
      return send(response, { status: 200, body: { Systems: { "@odata.id": "/redfish/v1/Systems" } } });
    if (`${method} ${path}` === `POST ${sessionsPath}`) return send(response, sessions.logIn(body));
    const refusal = sessions.refuse(request.headers);
    if (refusal !== undefined) return send(response, refusal);
    if (method === "DELETE" && sessions.end(path)) return send(response, { status: 204 });
    fake.requests.push({ method, path, body, headers: request.headers });
    const result = await answer(method, path, { headers: request.headers, body });
    if (fault?.kind === "truncate") return truncate(response, result);
    return fault?.kind === "drop-answer" ? request.socket.destroy() : send(response, result);
  };

  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    handle(request, response).catch((error: unknown) =>
      send(response, refused(500, "Base.1.12.InternalError", String(error))),
    );
  });
  const fake: FakeRedfish = Object.assign(sessions, {
    url: new URL(`https://127.0.0.1:${await listen(server, {})}`),
    fingerprint: createHash("sha256").update(new X509Certificate(tls.certificate).raw).digest("hex"),
    system,
    requests: [] as FakeRedfish["requests"],
    faults: new Map<string, RedfishFault[]>(),
    openSessions: sessions.open,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
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
    ...options.fields,
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

function send(response: ServerResponse, { status, body, html, headers = {} }: Answer): void {
  const type = html === undefined ? "application/json" : "text/html";
  response.writeHead(status, { "content-type": type, "odata-version": "4.0", ...headers });
  response.end(html ?? (body === undefined ? undefined : JSON.stringify(body)));
}

function truncate(response: ServerResponse, { status, headers = {} }: Answer): void {
  // 204 has no body.
  const code = status === 204 ? 200 : status;
  response.writeHead(code, { "content-type": "application/json", "content-length": 1000, ...headers });
  response.write('{"error":', () => response.destroy());
}
