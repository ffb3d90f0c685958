import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFakeProvider } from "../fakes/fake-provider.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { type RunningServer, startServer } from "../../metadata-server/serve.ts";

const log: string[] = [];
const logger = {
  info() {},
  warn: (message: string) => void log.push(message),
  error: (message: string) => void log.push(message),
};
let dataDir: string;
let server: RunningServer;
let ca: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-wire-"));
  const flags = { dataDir, port: await findFreePort(), listenAddress: "127.0.0.1" };
  server = await startServer(loadConfig(flags, {}), { logger, providers: [createFakeProvider()] });
  ca = await readFile(server.caFile, "utf8");
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true });
});
beforeEach(() => {
  log.length = 0;
});

async function open(): Promise<TLSSocket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), ca, servername: "localhost" });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket.on("error", () => undefined);
}

/** Sends the bytes and reads until the server closes the connection, or is silent for `quietMs`. */
async function exchange(bytes: string | Buffer, { half = false, quietMs = 600 } = {}): Promise<string> {
  const socket = await open();
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  if (half) socket.end(bytes);
  else socket.write(bytes);
  await Promise.race([closed, delay(quietMs)]);
  socket.destroy();
  return answer;
}

const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const head = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;
const host = "Host: localhost";
const healthz = head("GET /healthz HTTP/1.1", host, "Connection: close");
const auth = () => `Authorization: Bearer ${server.token}`;

describe("The server, over raw TLS", () => {
  it.each<[string, () => string | Buffer, number[]]>([
    ["bytes that are not HTTP", () => "\0\u0001\u0002 nonsense\r\n\r\n", [400]],
    ["a request without a host", () => head("GET /healthz HTTP/1.1"), [400]],
    ["a malformed host", () => head("GET /healthz HTTP/1.1", "Host: a b", "Connection: close"), [400]],
    ["an unknown method", () => head("FROBNICATE /healthz HTTP/1.1", host), [400]],
    ["HTTP/3.0", () => head("GET /healthz HTTP/3.0", host), [400]],
    ["a header of 20 KiB", () => head("GET /healthz HTTP/1.1", host, `X: ${"x".repeat(20 << 10)}`), [431]],
    ["a path of 20 KiB", () => head(`GET /${"x".repeat(20 << 10)} HTTP/1.1`, host), [431]],
    ["a header with a NUL", () => head("GET /healthz HTTP/1.1", host, "X: a\0b"), [400]],
    ["a header without a colon", () => head("GET /healthz HTTP/1.1", host, "nonsense"), [400]],
    ["a line feed that smuggles a header", () => head("GET /healthz HTTP/1.1", host, "X: a\n b"), [400]],
    [
      "two lengths that differ",
      () => `${head("POST /v1/clusters HTTP/1.1", host, "Content-Length: 2", "Content-Length: 3")}{}`,
      [400],
    ],
    [
      "a length and chunks",
      () => head("POST /v1/clusters HTTP/1.1", host, "Content-Length: 2", "Transfer-Encoding: chunked"),
      [400],
    ],
    ["a negative length", () => head("POST /v1/clusters HTTP/1.1", host, "Content-Length: -1"), [400]],
    [
      "a chunk with a malformed size",
      () =>
        `${head("POST /v1/clusters HTTP/1.1", host, auth(), "Content-Type: application/json", "Transfer-Encoding: chunked")}zz\r\n`,
      [400],
    ],
    ["an unknown transfer encoding", () => head("POST /v1/clusters HTTP/1.1", host, "Transfer-Encoding: gzip"), [400]],
    [
      "a length beyond every safe number",
      () => head("POST /v1/clusters HTTP/1.1", host, "Content-Length: 99999999999999999999"),
      [400],
    ],
    [
      "a length of 1 GiB, before it reads the body",
      () =>
        head(
          "POST /v1/clusters HTTP/1.1",
          host,
          auth(),
          "Content-Type: application/json",
          "Content-Length: 1073741824",
        ),
      [413],
    ],
    ["TRACE", () => head("TRACE /healthz HTTP/1.1", host, "Connection: close"), [405]],
    [
      "an absolute URL of another host, as for a proxy",
      () => head("GET http://192.0.2.1/latest/meta-data HTTP/1.1", host, auth(), "Connection: close"),
      [404],
    ],
    ["an asterisk as path", () => head("OPTIONS * HTTP/1.1", host, "Connection: close"), [400]],
    [
      "a path with parent folders",
      () => head("GET /v1/../../../etc/passwd HTTP/1.1", host, "Connection: close"),
      [404],
    ],
    [
      "two Authorization headers, the second one valid",
      () => head("GET /v1/clusters HTTP/1.1", host, "Authorization: Bearer x", auth(), "Connection: close"),
      [401],
    ],
    ["an upgrade", () => head("GET /v1/clusters HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket"), [401]],
    ["two requests at once, each on its own", () => head("GET /v1/clusters HTTP/1.1", host) + healthz, [401, 200]],
  ])("answers %s with a status, logs nothing and stays up", async (_, bytes, statuses) => {
    expect(statusesOf(await exchange(bytes()))).toEqual(statuses);
    expect(log).toEqual([]);
    expect(statusesOf(await exchange(healthz))).toEqual([200]);
  });

  it("refuses plain HTTP on its port, and stays up", async () => {
    const { port } = new URL(server.url);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow("fetch failed");
    expect(statusesOf(await exchange(healthz))).toEqual([200]);
  });
});

describe("The server, with slow and lost connections", () => {
  it("answers a client that has closed its side after the request", async () => {
    expect(statusesOf(await exchange(head("GET /healthz HTTP/1.1", host), { half: true }))).toEqual([200]);
  });

  it("changes nothing and logs no error if a connection closes within a body", async () => {
    const begun = `${head("POST /v1/clusters HTTP/1.1", host, auth(), "Content-Type: application/json", "Content-Length: 100")}{"nodes":`;
    expect(statusesOf(await exchange(begun, { half: true }))).not.toContain(202);
    const list = await exchange(head("GET /v1/clusters HTTP/1.1", host, auth(), "Connection: close"));
    expect(list).toContain('{"clusters":[],"next":null}');
    expect(log).toEqual([]);
  });

  it("answers a body that comes byte by byte when it is complete, and other clients meanwhile", async () => {
    const body = '{"nodes":0,"provider":"fake"}';
    const socket = await open();
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    const ended = new Promise((resolve) => socket.once("end", resolve));
    socket.write(
      head(
        "POST /v1/clusters HTTP/1.1",
        host,
        auth(),
        "Content-Type: application/json",
        "Connection: close",
        `Content-Length: ${body.length}`,
      ),
    );
    for (const byte of body) {
      socket.write(byte);
      await delay(2);
    }
    expect(statusesOf(await exchange(healthz))).toEqual([200]);
    await ended;
    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain("Expected a whole number from 1 to 5000, got 0");
  });

  it("serves a client next to 200 silent connections", async () => {
    const silent = await Promise.all(Array.from({ length: 200 }, open));
    expect(statusesOf(await exchange(healthz))).toEqual([200]);
    for (const socket of silent) socket.destroy();
  });
});
