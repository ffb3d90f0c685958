import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFakeProvider } from "../fakes/fake-provider.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { type RunningServer, startServer } from "../../metadata-server/serve.ts";

const log: string[] = [];
const logger = {
  info: () => undefined,
  warn: (message: string) => void log.push(message),
  error: (message: string) => void log.push(message),
};
let dataDir: string;
let plainPort: number;
let server: RunningServer;

async function start(): Promise<RunningServer> {
  const flags = {
    dataDir,
    port: await findFreePort(),
    listenAddress: "127.0.0.1",
    httpListen: `127.0.0.1:${plainPort}`,
    serverNames: "Sprout.Example,sprout.example,Other.Example.",
  };
  return startServer(loadConfig(flags, {}), { logger, providers: [createFakeProvider()] });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sprout-hosts-"));
  plainPort = await findFreePort();
  server = await start();
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true });
});
beforeEach(() => {
  log.length = 0;
});

/** Sends a request of these lines to the plain listener, or to the API. Returns the whole answer. */
async function ask(lines: readonly string[], listener: "plain" | "api" = "plain"): Promise<string> {
  const socket =
    listener === "plain"
      ? connect(plainPort, "127.0.0.1")
      : connectTls({ port: Number(new URL(server.url).port), host: "127.0.0.1", ca: await readFile(server.caFile) });
  // Not ended: the server closes the connection after its answer.
  socket.write([...lines, "Connection: close", "", ""].join("\r\n"));
  return text(socket);
}
const statusOf = (answer: string) => Number(answer.split(" ", 2)[1]);
const ipxe = "GET /ipxe?mac=52:54:00:00:00:01 HTTP/1.1";

describe("Host headers", () => {
  it.each(["sprout.example", "Sprout.Example", "SPROUT.EXAMPLE.", "other.example", "127.0.0.1"])(
    "name the server in any case and with a dot at the end: %s",
    async (name) => {
      expect(statusOf(await ask([ipxe, `Host: ${name}:${plainPort}`]))).toBe(200);
    },
  );

  it.each(["/machine-reports/failure", "/nocloud/x/user-data", "/ec2/x/latest"])(
    "name the server with capitals at %s, too",
    async (path) => {
      const answer = await ask([`POST ${path} HTTP/1.1`, "Host: Sprout.Example.", "Content-Length: 0"]);
      expect(statusOf(answer)).toBeGreaterThanOrEqual(400);
      expect(statusOf(answer)).not.toBe(421);
    },
  );

  it("get 421 if they have another name", async () => {
    expect(statusOf(await ask([ipxe, "Host: sprout.example.evil"]))).toBe(421);
  });

  const unusable = ["node.42", "1.2.3.4.5", "999.1.1.1", "[::1", "", "a b", "a..b.1", "xn--a", "a%00b", "[1]", "0x.1"];
  const requests = [
    ["plain", ipxe],
    ["plain", "GET /nothing HTTP/1.1"],
    ["plain", "POST /machine-reports/failure HTTP/1.1"],
    ["plain", "GET /assets/x/y HTTP/1.1"],
    ["api", "GET /healthz HTTP/1.1"],
    ["api", "GET /v1/clusters HTTP/1.1"],
    ["api", "POST /node/v1/claim HTTP/1.1"],
    ["api", "PUT /metrics HTTP/1.1"],
  ] as const;
  it.each(requests)("get 4xx and no line in the log if no URL can have them: %s, %s", async (listener, line) => {
    for (const name of unusable) {
      const body = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 0"];
      const answer = await ask([line, `Host: ${name}`, ...(line.startsWith("POST") ? body : [])], listener);
      // Some of them are names to the API, which judges none.
      const isRefused = statusOf(answer) >= 400 || listener === "api";
      expect([name, isRefused, statusOf(answer) < 500]).toEqual([name, true, true]);
    }
    expect(log).toEqual([]);
  });

  it("get 400 in an absolute target that no URL can have", async () => {
    expect(statusOf(await ask(["GET http://node.42/ipxe HTTP/1.1", "Host: sprout.example"]))).toBe(400);
    expect(statusOf(await ask([ipxe.replace("/ipxe", "http://sprout.example/ipxe"), "Host: node.42"]))).toBe(200);
    expect(log).toEqual([]);
  });

  it.each(["plain", "api"] as const)("get 400 if there are two: %s", async (listener) => {
    for (const second of ["sprout.example", "evil.example", ""]) {
      const lines = ["GET /healthz HTTP/1.1", "Host: sprout.example", `host: ${second}`];
      expect(statusOf(await ask(lines, listener))).toBe(400);
    }
  });
});

describe("The plain surface", () => {
  it.each(["http://evil.example", "null", "http://sprout.example"])(
    "refuses requests of web pages, which have an Origin header: %s",
    async (origin) => {
      for (const line of [ipxe, "POST /machine-reports/failure HTTP/1.1", "GET /boot.ipxe HTTP/1.1"]) {
        const answer = await ask([line, "Host: sprout.example", `Origin: ${origin}`, "Content-Length: 0"]);
        expect([line, statusOf(answer)]).toEqual([line, 403]);
      }
    },
  );
});

describe("The server's certificate", () => {
  it("stays the same at the next start, whatever the case of its names", async () => {
    const file = join(dataDir, "tls/server.pem");
    const before = await readFile(file, "utf8");
    await server.close();
    server = await start();
    expect(await readFile(file, "utf8")).toBe(before);
  });
});
