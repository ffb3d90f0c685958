import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface FakePage {
  body: Buffer;
  contentType?: string;
}

/** A fault of one answer; the next one is correct. */
type Fault =
  | { status: number }
  | { redirect: string }
  | { page: string }
  /** Closes the connection after so many bytes of the body. */
  | { cutAfter: number }
  /** Sends nothing more after so many bytes, and keeps the connection open. */
  | { stallAfter: number };

export interface FakeWebSite {
  url: string;
  port: number;
  /** `GET /path`, with the first byte of a range request: `GET /path from 5`. */
  requests: string[];
  /** Faults of this path's next answers, in this order. */
  fail(path: string, ...faults: Fault[]): void;
}

/** A fake download site or registry: pages by path, with byte ranges, faults and optional Basic authentication. */
export async function startFakeWebSite(
  pages: ReadonlyMap<string, FakePage>,
  { tls, credentials }: { tls?: { certificate: string; key: string }; credentials?: string } = {},
): Promise<FakeWebSite> {
  const requests: string[] = [];
  const faults = new Map<string, Fault[]>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    requests.push(`${request.method} ${path}${from > 0 ? ` from ${from}` : ""}`);
    if (credentials !== undefined && request.headers.authorization !== `Basic ${btoa(credentials)}`)
      return respond(response, 401, { "www-authenticate": 'Basic realm="fake"' });
    const page = pages.get(path);
    const fault = faults.get(path)?.shift();
    if (fault !== undefined && failWith(response, { fault, body: page?.body ?? Buffer.alloc(0), from }))
      return undefined;
    if (page === undefined) return respond(response, 404);
    return sendPage(response, { page, from, withBody: request.method !== "HEAD" });
  };
  const server =
    tls === undefined ? createHttpServer(answer) : createHttpsServer({ cert: tls.certificate, key: tls.key }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    fail: (path, ...wanted) => void faults.set(path, wanted),
  };
}

function sendPage(
  response: ServerResponse,
  { page, from, withBody }: { page: FakePage; from: number; withBody: boolean },
): void {
  const { body, contentType = "application/octet-stream" } = page;
  if (from > 0 && from >= body.length) return respond(response, 416, { "content-range": `bytes */${body.length}` });
  const range = from > 0 ? { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` } : {};
  const rest = body.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, { "content-type": contentType, "content-length": rest.length, ...range });
  response.end(withBody ? rest : undefined);
}

function respond(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}

/** Returns whether the fault was the whole answer. */
function failWith(
  response: ServerResponse,
  { fault, body, from }: { fault: Fault; body: Buffer; from: number },
): boolean {
  if ("status" in fault) respond(response, fault.status);
  else if ("redirect" in fault) respond(response, 302, { location: fault.redirect });
  else if ("page" in fault) response.writeHead(200, { "content-type": "text/html" }).end(fault.page);
  else {
    const range = from > 0 ? { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length - from, ...range });
    const stalls = "stallAfter" in fault;
    const bytes = body.subarray(from, from + (stalls ? fault.stallAfter : fault.cutAfter));
    response.write(bytes, () => {
      if (!stalls) response.destroy();
    });
  }
  return true;
}
