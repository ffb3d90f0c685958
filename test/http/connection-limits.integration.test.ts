import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespaces, type Namespace } from "../fixtures/namespaces.ts";
import { clientAddress, type NamespaceServer, serveInNamespace } from "../fixtures/serve-in-namespace.ts";

const script = join(import.meta.dirname, "../fixtures/open-connections.ts");
const namespaces = createNamespaces();
let namespace: Namespace;
let folder: string;
let server: NamespaceServer;

beforeAll(async () => {
  namespace = await namespaces.create();
  folder = await mkdtemp(join(tmpdir(), "sprout-connection-limits-"));
  server = await serveInNamespace(namespace, { folder, flags: ["--connections-per-address", "48"] });
}, 60_000);
afterAll(async () => {
  await namespaces.close();
  await rm(folder, { recursive: true });
});

interface Open {
  /** Connections that the server left open. */
  count: number;
  close: () => Promise<void>;
}

async function open(source: string, target: string, count: number, text = ""): Promise<Open> {
  const child = namespace.start(process.execPath, [script, source, target, String(count), text]);
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  const exited = once(child, "exit");
  const close = async () => {
    child.stdin!.end();
    await exited;
  };
  return { count: Number(line), close };
}

const curl = (source: string, path: string) =>
  namespace.run(`curl -s --max-time 5 --interface ${source} --cacert ${server.caFile} https://${server.api}${path}`);
const [attacker, other] = [clientAddress(0), clientAddress(1)];

describe("Connections of one address", () => {
  it("have a bound though no handshake ever ends, and other addresses are served meanwhile", async () => {
    const flood = await open(attacker, server.api, 400);
    expect(flood.count).toBe(48);
    expect(await curl(other, "/healthz")).toBe("ok");
    await expect(curl(attacker, "/healthz")).rejects.toThrow("exit code");
    await flood.close();
    await expect.poll(() => curl(attacker, "/healthz").catch(String), { timeout: 10_000 }).toBe("ok");
  });

  it("have half the bound on the plain listener, where idle ones count, and leave the API", async () => {
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const flood = await open(attacker, server.plain, 400, request);
    expect(flood.count).toBe(24);
    expect(await curl(attacker, "/healthz")).toBe("ok");
    await flood.close();
  });

  it("have no bound over loopback", async () => {
    const local = await open("127.0.0.1", server.api, 100);
    expect(local.count).toBe(100);
    await local.close();
  });

  it("count in the log once a minute, with the address", async () => {
    const warnings = (await server.log()).split("\n").filter((line) => line.includes("Too many connections"));
    // One for each listener.
    expect(warnings).toHaveLength(2);
    for (const warning of warnings)
      expect(JSON.parse(warning)).toMatchObject({ address: attacker, what: "connection" });
  });
});

describe("TLS handshakes of one address", () => {
  it("wait for each other beyond the thirty-second, while other addresses are served", async () => {
    const silent = await open(attacker, server.api, 32);
    const waiting = curl(attacker, "/healthz");
    expect(await curl(other, "/healthz")).toBe("ok");
    const first = await Promise.race([waiting, delay(500, "none yet")]);
    expect(first).toBe("none yet");
    await silent.close();
    expect(await waiting).toBe("ok");
  });
});

describe("A connection whose client sends ahead", () => {
  it("ends as soon as too many requests are unanswered", async () => {
    const request = "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n";
    const ahead = await open(other, server.plain, 1, request.repeat(500));
    expect(ahead.count).toBe(0);
    await ahead.close();
  });
});

describe("A request whose headers never end", () => {
  it("ends its connection after ten seconds, not thirty", async () => {
    const slow = await open(other, server.plain, 1, "GET / HTTP/1.1\r\nHost: a\r\n");
    expect(slow.count).toBe(1);
    const count = () => namespace.run(`ss -Htn state established src ${other}`);
    expect(await count()).not.toBe("");
    const started = performance.now();
    await expect.poll(count, { timeout: 30_000, interval: 100 }).toBe("");
    // Two seconds have passed in open(); a busy machine adds some. It was 30 to 40 s.
    expect(performance.now() - started).toBeLessThan(18_000);
    await slow.close();
  }, 60_000);
});
