import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { Credentials } from "#api/credentials.ts";
import { NodeMetadata, type PeerReports } from "#api/node-metadata.ts";
import { Report } from "#api/report.ts";

/** Faulty answers, each used once. */
export type Fault =
  | { kind: "status"; status: number; body?: string; headers?: Record<string, string> }
  | { kind: "body"; body: string; headers?: Record<string, string> }
  /** Half of the promised bytes, then the connection closes. */
  | { kind: "truncate" }
  | { kind: "drop" }
  | { kind: "slow"; delayMs: number }
  /** Bytes that the test writes, and whether the answer ends. */
  | { kind: "raw"; answer: (response: ServerResponse) => void };

/** `received`: before anything is done; `handled`: after everything but the answer. */
type RequestHook = (path: string, stage: "received" | "handled") => Promise<void>;

export interface FakeMetadataServer {
  url: string;
  /** Awaited at both stages of every request. */
  hook: RequestHook;
  /** By path without the query; the next request uses up the first one. */
  faults: Map<string, Fault[]>;
  /** In the order of acceptance, each sequence once. */
  reports: Report[];
  requests: { path: string; query: string; authorization: string; body: string }[];
  close(): Promise<void>;
}

export interface FakeMetadataServerOptions {
  tls: { certificate: string; key: string };
  capability: string;
  reportToken: string;
  metadata: NodeMetadata;
  credentials: Credentials;
  peers?: PeerReports;
  /** Offset of the server's clock from the host's. */
  clockOffsetMs?: number;
  /** Whether the deadline lets a spent capability confirm again. */
  confirmsAgain?: boolean;
}

/** The node API for one member over real TLS; it validates the wire schemas and uses none of the server's code. */
export async function startFakeMetadataServer(options: FakeMetadataServerOptions): Promise<FakeMetadataServer> {
  NodeMetadata.parse(options.metadata);
  Credentials.parse(options.credentials);
  const faults = new Map<string, Fault[]>();
  const reports: Report[] = [];
  const requests: FakeMetadataServer["requests"] = [];
  const { capability, reportToken, confirmsAgain = true } = options;
  let isConfirmed = false;

  const answers: Record<string, (body: string) => unknown> = {
    "GET /node/v1/metadata": () => {
      const lastSequence = reports.at(-1)?.sequence;
      return lastSequence === undefined ? options.metadata : { ...options.metadata, lastSequence };
    },
    "POST /node/v1/claim": () => options.credentials,
    "POST /node/v1/claim/confirm": () => {
      isConfirmed = true;
      return { reportToken };
    },
    "GET /node/v1/peers": () => options.peers ?? { peers: [] },
    "POST /node/v1/reports": (body) => {
      const report = Report.parse(JSON.parse(body));
      if (report.sequence > (reports.at(-1)?.sequence ?? 0)) reports.push(report);
      return {};
    },
  };

  const server = createServer({ cert: options.tls.certificate, key: options.tls.key }, (request, response) => {
    void handle(request, response);
  });
  async function handle(request: IncomingMessage, response: ServerResponse) {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const body = await readBody(request);
    const authorization = request.headers.authorization ?? "";
    requests.push({ path, query, authorization, body });
    response.setHeader("date", new Date(Date.now() + (options.clockOffsetMs ?? 0)).toUTCString());
    const fault = faults.get(path)?.shift();
    if (fault !== undefined && (await applyFault(fault, { request, response }))) return;
    await fake.hook(path, "received");
    if (request.socket.destroyed) return;
    const refusal = refuse(path, authorization);
    if (refusal !== undefined)
      return send(response, refusal.status, { type: `/problems/${refusal.title}`, ...refusal });
    const answer = answers[`${request.method} ${path}`];
    if (answer === undefined)
      return send(response, 404, { type: "/problems/not-found", title: "not found", status: 404 });
    const result = answer(body);
    await fake.hook(path, "handled");
    send(response, 200, result);
  }

  /** Like the real server, it names a spent capability only to the machine that had it. */
  function refuse(path: string, authorization: string) {
    const isSpent = isConfirmed && authorization === `Bearer ${capability}`;
    const isConfirm = path === "/node/v1/claim/confirm";
    if (isSpent && !(isConfirm && confirmsAgain) && path !== "/node/v1/reports")
      return { status: 409, title: "already-claimed" };
    const token = isConfirmed && !isConfirm ? reportToken : capability;
    return path.startsWith("/node/") && authorization !== `Bearer ${token}`
      ? { status: 403, title: "wrong-machine" }
      : undefined;
  }
  const port = await listen(server);
  const fake: FakeMetadataServer = {
    url: `https://127.0.0.1:${port}`,
    hook: async () => undefined,
    faults,
    reports,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

/** Returns whether the fault was the whole answer. */
async function applyFault(fault: Fault, { request, response }: { request: IncomingMessage; response: ServerResponse }) {
  switch (fault.kind) {
    case "slow":
      await new Promise((resolve) => {
        setTimeout(resolve, fault.delayMs);
      });
      return false;
    case "drop":
      request.socket.destroy();
      return true;
    case "truncate":
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write("{", () => request.socket.destroy());
      return true;
    case "raw":
      fault.answer(response);
      return true;
    default:
      response.writeHead(fault.kind === "status" ? fault.status : 200, fault.headers);
      response.end(fault.body ?? "");
      return true;
  }
}

function send(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export const listen = (server: NetServer, { host = "127.0.0.1", port = 0 } = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
