import { gzipSync } from "node:zlib";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeMetadataServer, type Fault, startFakeMetadataServer } from "../fakes/fake-metadata-server.ts";
import { createServerTls } from "../fakes/test-certificates.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { firstMetadata, workerCredentials, workerMetadata } from "../fixtures/node-documents.ts";
import { createMetadataServer, type MetadataServer } from "../../bootstrapper/server/metadata-server.ts";
import { resolveTrust } from "../../bootstrapper/server/trust.ts";
import { patientSignal } from "../fixtures/patience.ts";

const capability = "c".repeat(43);
const hardware = { macs: ["52:54:00:12:34:56"] };
const path = "/node/v1/metadata";
const document = JSON.stringify(workerMetadata);
const soon = () => patientSignal();

let folder: string;
let fake: FakeMetadataServer;
let client: MetadataServer;
let patient: MetadataServer;
let host: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-hostile-"));
  const tls = await createServerTls(folder);
  const reportToken = "r".repeat(43);
  const answers = { metadata: workerMetadata, credentials: workerCredentials };
  fake = await startFakeMetadataServer({ tls, capability, reportToken, ...answers });
  ({ host } = new URL(fake.url));
  client = createMetadataServer({ url: fake.url, ca: tls.ca, capability, hardware, attemptTimeoutMs: 250 });
  patient = createMetadataServer({ url: fake.url, ca: tls.ca, capability, hardware });
});
afterAll(async () => {
  client.close();
  patient.close();
  await fake.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  fake.faults.clear();
  fake.requests.length = 0;
});

const raw = (answer: (response: ServerResponse) => void): Fault => ({ kind: "raw", answer });
const body = (text: string, headers: Record<string, string> = {}): Fault => ({ kind: "body", body: text, headers });
const status = (code: number, headers: Record<string, string> = {}): Fault => ({
  kind: "status",
  status: code,
  headers,
});

describe("createMetadataServer, for an answer that may be better next time", () => {
  it.each<[string, Fault]>([
    [
      "dripping, a byte at a time",
      raw((response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const timer = setInterval(() => response.write(" "), 20);
        response.once("close", () => clearInterval(timer));
      }),
    ],
    ["hanging after the headers", raw((response) => response.writeHead(200).flushHeaders())],
    ["hanging after half a document", raw((response) => response.writeHead(200).write(document.slice(0, 40)))],
    [
      "closed after half a document",
      raw((response) => {
        response.writeHead(200);
        response.write(document.slice(0, 40), () => response.destroy());
      }),
    ],
    ["shorter than it says", { kind: "truncate" }],
    ["longer than it says", raw((response) => response.socket?.end("HTTP/1.1 503 no\r\ncontent-length: 1\r\n\r\nxx"))],
    ["no HTTP at all", raw((response) => response.socket?.end("SSH-2.0-OpenSSH_9.2\r\n"))],
    ["HTML of a proxy, 502", { kind: "status", status: 502, body: "<html>Bad Gateway</html>" }],
    ["500", status(500)],
    ["504", status(504)],
    ["408", status(408)],
    ["425", status(425)],
    ["429 with a negative Retry-After", status(429, { "retry-after": "-5" })],
    ["503 with a Retry-After of infinity", status(503, { "retry-after": "Infinity" })],
    ["503 with an empty Retry-After", status(503, { "retry-after": "" })],
    ["503 with a Retry-After as a date", status(503, { "retry-after": "Wed, 21 Oct 2099 07:28:00 GMT" })],
  ])("asks again after an answer that is %s", async (_, fault) => {
    fake.faults.set(path, [fault]);
    expect(await client.metadata(soon())).toEqual(workerMetadata);
    expect(fake.requests).toHaveLength(2);
  });

  it.each([
    ["999999999", 5000],
    ["0", 50],
    ["-5", undefined],
    ["1e9", undefined],
    ["Wed, 21 Oct 2099 07:28:00 GMT", undefined],
  ])("waits for a Retry-After of %s, within bounds", async (retryAfter, retryAfterMs) => {
    fake.faults.set("/node/v1/reports", [status(429, { "retry-after": retryAfter })]);
    const report = { allocation: workerMetadata.allocation, sequence: 1, phase: "claim", state: "done" } as const;
    await expect(client.report(report, soon())).rejects.toMatchObject({ name: "RetryableError", retryAfterMs });
  });
});

const refused = (code: number) => `Cannot get metadata: the server refused with status ${code}`;

describe("createMetadataServer, for an answer that would be the same again", () => {
  it.each<[string, Fault, string]>([
    [
      "200 with HTML of a portal",
      body("<!doctype html>"),
      "Cannot use metadata from HOST: it is HTML, not JSON: another program answers there",
    ],
    ["200 without a body", body(""), "Cannot use metadata from HOST: it is empty"],
    ["204", status(204), refused(204)],
    ["a redirect to elsewhere", status(302, { location: "https://192.0.2.1/" }), refused(302)],
    ["a permanent redirect", status(308, { location: "/" }), refused(308)],
    ["401", status(401), refused(401)],
    ["404", status(404), refused(404)],
    ["410", status(410), refused(410)],
    ["418", status(418), refused(418)],
    ["501", status(501), refused(501)],
    [
      "gzip without a request for it",
      raw((response) => response.end(gzipSync(document))),
      "Cannot use metadata from HOST: it is compressed, not JSON: it must be plain",
    ],
    [
      "5 MiB",
      raw((response) => response.end(`{"a":"${"x".repeat(5 << 20)}"}`)),
      "Cannot use an answer of HOST: the answer is larger than 4194304 bytes",
    ],
    ["a list", body(`[${document}]`), "Cannot use metadata from HOST: Expected an object"],
    [
      "two documents",
      body(document + document),
      `Cannot use metadata from HOST: it is truncated or not JSON (line 1 column ${document.length + 1})`,
    ],
    [
      "a deadline of 30 years",
      body(JSON.stringify({ ...workerMetadata, deadlineSeconds: 1e9 })),
      "Cannot use metadata from HOST: /deadlineSeconds: Expected a number above 0 and of at most 3600",
    ],
    [
      "a deadline that has passed",
      body(JSON.stringify({ ...workerMetadata, deadlineSeconds: 0 })),
      "Cannot use metadata from HOST: /deadlineSeconds: Expected a number above 0 and of at most 3600",
    ],
    [
      "an invalid port",
      body(JSON.stringify({ ...workerMetadata, endpoint: "api:65536" })),
      "Cannot use metadata from HOST: /endpoint: Expected HOST:PORT with a port from 1 to 65535",
    ],
    [
      "a name with a path in it",
      body(JSON.stringify({ ...workerMetadata, self: { ...workerMetadata.self, name: "../../etc" } })),
      "Cannot use metadata from HOST: /self/name: Expected a lower-case DNS name of at most 52 characters",
    ],
    [
      "a version with a command in it",
      body(
        JSON.stringify({
          ...workerMetadata,
          cluster: { ...workerMetadata.cluster, kubernetesVersion: "v1.37.2; reboot" },
        }),
      ),
      "Cannot use metadata from HOST: /cluster/kubernetesVersion: Expected a version such as v1.37.2",
    ],
    [
      "an empty list of peers",
      body(JSON.stringify({ ...firstMetadata, peers: [] })),
      "Cannot use metadata from HOST: /peers: Expected a list of at least 1 item",
    ],
  ])("refuses %s at once", async (_, fault, message) => {
    fake.faults.set(path, [fault]);
    await expect(patient.metadata(soon())).rejects.toMatchObject({
      code: "invalid-input",
      message: message.replace("HOST", host),
    });
    expect(fake.requests).toHaveLength(1);
  });
});

describe("the pinned authority", () => {
  it.each([
    ["a text", "image pin"],
    ["a private key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"],
    ["a truncated certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
  ])("refuses %s before anything is sent", async (_, ca) => {
    await expect(resolveTrust({ ca }, new URL(fake.url), soon())).rejects.toMatchObject({
      code: "invalid-input",
      message: "Cannot use the pinned authority: it is not a certificate in PEM",
    });
    expect(fake.requests).toEqual([]);
  });

  it("asks for an authority pinned by hash until the server can be reached", async () => {
    const closedPort = new URL("https://127.0.0.1:1");
    await expect(
      resolveTrust({ caSha256: "a".repeat(64) }, closedPort, AbortSignal.timeout(300)),
    ).rejects.toMatchObject({
      code: "server-unreachable",
      message: "Cannot reach 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1, and time is up",
    });
  });

  it("trusts no authority that changes between two connections, and sends it no token", async () => {
    const tls = await createServerTls(await temporaryFolder("hostile"));
    const fresh = createMetadataServer({ url: fake.url, ca: tls.ca, capability, hardware });
    await expect(fresh.claim(workerMetadata.allocation, soon())).rejects.toMatchObject({ code: "server-unreachable" });
    fresh.close();
    expect(fake.requests).toEqual([]);
  });
});
