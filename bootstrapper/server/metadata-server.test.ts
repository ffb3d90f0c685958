import { X509Certificate } from "node:crypto";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import type { Credentials } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { type Fault, startFakeMetadataServer } from "../../test/fakes/fake-metadata-server.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { workerCredentials, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { createMetadataServer, type MetadataServerOptions } from "./metadata-server.ts";
import { resolveTrust } from "./trust.ts";
import { patience, patientSignal } from "../../test/fixtures/patience.ts";

const capability = "c".repeat(43);
const reportToken = "r".repeat(43);
const hardware = {
  macs: ["52:54:00:12:34:56"],
  uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732",
  serial: "SN 1",
  addresses: ["10.77.0.14"],
  rootDevice: "disk" as const,
};
const { allocation } = workerMetadata;

async function setUp(
  options: {
    metadata?: NodeMetadata;
    credentials?: Credentials;
    client?: Partial<MetadataServerOptions>;
    clock?: { startedAt: number; clockOffsetMs: number };
  } = {},
) {
  const tls = await createServerTls(await temporaryFolder("bootstrap"), options.clock?.startedAt);
  const { metadata = workerMetadata, credentials = workerCredentials } = options;
  const fake = await startFakeMetadataServer({ tls, capability, reportToken, metadata, credentials, ...options.clock });
  const client = createMetadataServer({ url: fake.url, ca: tls.ca, capability, hardware, ...options.client });
  onTestFinished(async () => {
    client.close();
    await fake.close();
  });
  const fail = (path: string, ...faults: Fault[]) => fake.faults.set(path, faults);
  return { fake, client, tls, fail };
}
const soon = () => patientSignal();
const metadataPath = "/node/v1/metadata";

describe("createMetadataServer", () => {
  it("fetches metadata with the capability and the hardware ids", async () => {
    const { client, fake } = await setUp();
    expect(await client.metadata(soon())).toEqual(workerMetadata);
    expect(fake.requests).toMatchObject([
      {
        query: `mac=52%3A54%3A00%3A12%3A34%3A56&uuid=${hardware.uuid}&serial=SN+1&address=10.77.0.14&rootDevice=disk`,
        authorization: `Bearer ${capability}`,
      },
    ]);
    expect(Math.abs(client.clockOffsetMs() ?? Number.NaN)).toBeLessThan(2000);
  });

  it("encodes a serial that looks like several parameters as one", async () => {
    const { client, fake } = await setUp({ client: { hardware: { ...hardware, serial: "A&mac=B %0a" } } });
    await client.metadata(soon());
    const query = new URLSearchParams(fake.requests[0]?.query);
    expect([query.getAll("serial"), query.getAll("mac")]).toEqual([["A&mac=B %0a"], hardware.macs]);
  });

  it.each<[string, Fault]>([
    ["is not final yet", { kind: "status", status: 503, headers: { "retry-after": "0" } }],
    ["fails with 500", { kind: "status", status: 500, body: "<html>oops</html>" }],
    ["is truncated", { kind: "truncate" }],
    ["is dropped", { kind: "drop" }],
  ])("asks again if an answer %s", async (_, fault) => {
    const { client, fake, fail } = await setUp();
    fail(metadataPath, fault, fault);
    expect(await client.metadata(soon())).toEqual(workerMetadata);
    expect(fake.requests).toHaveLength(3);
  });

  it("abandons a slow attempt and asks again", async () => {
    const { client, fake, fail } = await setUp({ client: { attemptTimeoutMs: 100 } });
    fail(metadataPath, { kind: "slow", delayMs: 400 });
    expect(await client.metadata(soon())).toEqual(workerMetadata);
    expect(fake.requests).toHaveLength(2);
  });

  it.each<[string, string, string]>([
    ["HTML", "<!doctype html>", "it is HTML, not JSON: another program answers there"],
    ["half a document", '{"allocation":', "it is truncated or not JSON"],
    [
      "an unknown field",
      JSON.stringify({ ...workerMetadata, extra: 1, self: { ...workerMetadata.self, nick: "x" } }),
      "/self/nick: Unknown field; /extra: Unknown field",
    ],
    [
      "wrong fields",
      JSON.stringify({ ...workerMetadata, deadlineSeconds: -1, endpoint: "nowhere" }),
      "/endpoint: Expected HOST:PORT with a port from 1 to 65535; /deadlineSeconds: Expected a number above 0 and of at most 3600",
    ],
  ])("refuses %s at once with every problem", async (_, body, problems) => {
    const { client, fake, fail } = await setUp();
    fail(metadataPath, { kind: "body", body });
    const { host } = new URL(fake.url);
    await expect(client.metadata(soon())).rejects.toMatchObject({
      code: "invalid-input",
      message: `Cannot use metadata from ${host}: ${problems}`,
    });
    expect(fake.requests).toHaveLength(1);
  });

  it("does not ask again after a refusal, and reports the reason", async () => {
    const { client, fake, fail } = await setUp();
    fail("/node/v1/claim", {
      kind: "status",
      status: 409,
      body: JSON.stringify({ type: "/problems/already-claimed", title: "Already claimed", status: 409 }),
    });
    await expect(client.claim(allocation, soon())).rejects.toMatchObject({
      code: "invalid-input",
      message: "Cannot get credentials: the server refused with status 409 (Already claimed)",
    });
    expect(fake.requests).toHaveLength(1);
  });

  it("names the first error and the last when the deadline passes", async () => {
    const { client, fail } = await setUp();
    const later = Array.from({ length: 50 }, (): Fault => ({ kind: "status", status: 500 }));
    fail(metadataPath, { kind: "status", status: 503 }, ...later);
    await expect(client.metadata(AbortSignal.timeout(400))).rejects.toMatchObject({
      code: "server-unreachable",
      message: expect.stringMatching(
        /^Cannot get metadata from 127\.0\.0\.1:\d+: status 500 \(first: status 503\)/,
      ) as string,
    });
  });

  it("sends nothing to a server whose authority is not the pinned one", async () => {
    const { fake } = await setUp();
    const other = await createServerTls(await temporaryFolder("bootstrap"));
    const client = createMetadataServer({ url: fake.url, ca: other.ca, capability, hardware });
    await expect(client.metadata(soon())).rejects.toMatchObject({
      code: "server-unreachable",
      message: expect.stringContaining("its authority is not the pinned one") as string,
    });
    expect(fake.requests).toEqual([]);
  });

  it("reports a certificate that is not valid yet as the clock's error", async () => {
    const clockOffsetMs = 60 * 86_400_000;
    const { client, fake } = await setUp({ clock: { startedAt: Date.now() + clockOffsetMs, clockOffsetMs } });
    await expect(client.metadata(soon())).rejects.toMatchObject({
      code: "preflight",
      message: expect.stringMatching(
        /^Cannot pass preflight: clock: \d+ s (behind|ahead of) the metadata server/,
      ) as string,
    });
    expect(fake.requests.every(({ authorization }) => authorization === "")).toBe(true);
  });

  it("does not blame the clock for an invalid certificate if both clocks agree", async () => {
    const clock = { startedAt: Date.now() + 60 * 86_400_000, clockOffsetMs: 0 };
    const { client, fake } = await setUp({ clock });
    await expect(client.metadata(soon())).rejects.toMatchObject({
      code: "server-unreachable",
      message: `Cannot trust ${new URL(fake.url).host}: its certificate is not valid now; renew it`,
    });
  });

  it("uses the report token after the confirmation", async () => {
    const { client, fake } = await setUp();
    await client.claim(allocation, soon());
    expect(await client.confirm(allocation, soon())).toEqual({ reportToken });
    await client.report({ allocation, sequence: 1, phase: "confirm", state: "done" }, soon());
    expect(fake.requests.map(({ authorization }) => authorization.at(-1))).toEqual(["c", "c", "r"]);
  });
});

describe("createMetadataServer, for a report while the report token is being kept", () => {
  it("uses the token only once it is kept, because after its first use the server gives no other", async () => {
    const { client, fake } = await setUp();
    const kept = Promise.withResolvers<void>();
    const confirmed = client.confirm(allocation, soon(), () => kept.promise);
    await vi.waitFor(() => expect(fake.requests).toHaveLength(1), patience);
    const report = { allocation, sequence: 1, phase: "render", state: "done" } as const;
    const early = client.report(report, soon()).catch((error: Error) => error.name);
    await vi.waitFor(() => expect(fake.requests).toHaveLength(2), patience);
    kept.resolve();
    await confirmed;
    expect(await early).toBe("RetryableError");
    await client.report(report, soon());
    expect(fake.requests.map(({ authorization }) => authorization.at(-1))).toEqual(["c", "c", "r"]);
  });
});

describe("createMetadataServer, for a report that crosses the confirmation", () => {
  it.each([403, 409])("sends it again with the report token after a %i", async (status) => {
    const { client, fail } = await setUp();
    fail("/node/v1/claim/confirm", { kind: "slow", delayMs: 100 });
    fail("/node/v1/reports", { kind: "status", status });
    const confirmed = client.confirm(allocation, soon());
    const report = { allocation, sequence: 1, phase: "render", state: "done" } as const;
    await expect(client.report(report, soon())).rejects.toMatchObject({ name: "RetryableError" });
    await confirmed;
    await client.report(report, soon());
  });
});

describe("resolveTrust", () => {
  it("trusts only the certificate of the server's chain that has the pinned hash", async () => {
    const { fake, tls } = await setUp();
    const url = new URL(fake.url);
    const leaf = new X509Certificate(tls.certificate);
    const caSha256 = leaf.fingerprint256.replaceAll(":", "").toLowerCase();
    expect(await resolveTrust({ caSha256 }, url, soon())).toBe(leaf.toString());
    await expect(resolveTrust({ caSha256: "0".repeat(64) }, url, soon())).rejects.toThrow("has the pinned SHA-256");
  });
});
