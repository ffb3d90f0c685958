import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../fixtures/nothing-changes.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { apiToken, createTestServer, problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;
let worker: TestMachine;

beforeAll(async () => {
  server = await createTestServer();
  cluster = await server.create({ name: "taken" });
  worker = createTestMachine(server, cluster, 1);
  await worker.metadata();
});
afterAll(() => server.close());
expectNothingChanges(() => ({ server, cluster }));

const mac = (got: string) => `Expected a lower-case MAC address such as 52:54:00:12:34:56, got "${got}"`;

describe("The server", () => {
  const id = "c-aaaaaaaaaaaaaaaa";
  it.each([
    ["GET", "/v1/clusters?limit=0", 400, "invalid-request"],
    ["GET", "/v1/clusters?limit=501", 400, "invalid-request"],
    ["GET", "/v1/clusters?limit=ten", 400, "invalid-request"],
    ["GET", "/v1/clusters?limit=1&limit=2", 400, "invalid-request"],
    ["GET", "/v1/clusters?state=up", 400, "invalid-request"],
    ["GET", "/v1/clusters?after=c-1", 400, "invalid-request"],
    ["GET", "/v1/clusters?page=2", 400, "invalid-request"],
    ["POST", "/v1/clusters?dryRun=true", 400, "invalid-request"],
    ["GET", `/v1/clusters/${id}`, 404, "not-found"],
    ["GET", "/v1/clusters/%2e%2e%2ftoken", 404, "not-found"],
    ["DELETE", `/v1/clusters/${id}`, 404, "not-found"],
    ["GET", `/v1/clusters/${id}/kubeconfig`, 404, "not-found"],
    ["GET", `/v1/clusters/${id}/events`, 404, "not-found"],
    ["GET", `/v1/clusters/${id}?wait=up`, 400, "invalid-request"],
    ["GET", `/v1/clusters/${id}?wait=ready&timeout=301`, 400, "invalid-request"],
    ["GET", `/v1/clusters/${id}/kubeconfig?ttlSeconds=59`, 400, "invalid-request"],
    ["GET", `/v1/clusters/${id}/kubeconfig?ttlSeconds=-60`, 400, "invalid-request"],
    ["GET", "/v1/nothing", 404, "no-such-route"],
    ["GET", "/problems/nothing", 404, "no-such-route"],
    ["PUT", "/v1/clusters", 405, "method-not-allowed"],
    ["POST", "/healthz", 405, "method-not-allowed"],
    ["GET", "/node/v1/claim", 405, "method-not-allowed"],
    ["PATCH", "/v1/machines/rules", 405, "method-not-allowed"],
    ["DELETE", "/v1/machines/rules", 405, "method-not-allowed"],
    ["GET", "/v1/machines/import", 405, "method-not-allowed"],
    ["PATCH", "/v1/machines/explain", 405, "method-not-allowed"],
  ] as const)("refuses %s %s", async (method, path, status, name) => {
    expect(refusal(await server.request(path, { method }))).toBe(`${status} ${name}`);
  });

  it("names the methods of a path in the Allow header", async () => {
    const answer = await server.request(`/v1/clusters/${id}`, { method: "PUT" });
    expect(answer.headers.get("allow")).toBe("GET, PATCH, DELETE");
    const named = await server.request("/v1/machines/rules", { method: "PATCH" });
    expect(named.headers.get("allow")).toBe("GET, PUT");
  });

  it("answers HEAD as GET, also where a path has a name among parameters", async () => {
    const headers = { authorization: `Bearer ${apiToken}` };
    expect((await server.app.request("/v1/machines/rules", { method: "HEAD", headers })).status).toBe(200);
  });
});

describe("The node API", () => {
  it.each([
    [
      "no MAC",
      "uuid=1b4e28ba-2fa1-41d2-883f-0016d3cca427",
      { "/mac": "Expected a list of 1 to 32 items, got nothing" },
    ],
    ["a MAC in capitals", "mac=52:54:00:AA:AA:AA", { "/mac/0": mac("52:54:00:AA:AA:AA") }],
    [
      "a MAC with injected text",
      "mac=52:54:00:12:34:56%0aX: 1",
      { "/mac/0": mac(String.raw`52:54:00:12:34:56\nX: 1`) },
    ],
    ["an empty MAC", "mac=", { "/mac/0": mac("") }],
    ["two UUIDs", "mac=52:54:00:00:00:01&uuid=a&uuid=b", { "/uuid": "Expected a UUID, got a list" }],
    ["a malformed UUID", "mac=52:54:00:00:00:01&uuid=0", { "/uuid": 'Expected a UUID, got "0"' }],
    [
      "a long serial",
      `mac=52:54:00:00:00:01&serial=${"s".repeat(257)}`,
      { "/serial": "Expected text of at most 256 characters, got 257 characters" },
    ],
    [
      "a malformed address",
      "mac=52:54:00:00:00:01&address=10.0.0.256",
      { "/address/0": 'Expected an IPv4 address, got "10.0.0.256"' },
    ],
    ["an unknown parameter", "mac=52:54:00:00:00:01&role=control-plane", { "/role": "Unknown field" }],
    [
      "33 MACs",
      Array.from({ length: 33 }, () => "mac=52:54:00:00:00:01").join("&"),
      { "/mac": "Expected a list of 1 to 32 items, got 33 items" },
    ],
  ])("refuses metadata with %s", async (_, query, errors) => {
    const problem = problemOf(await worker.getMetadata(query), "400 invalid-request");
    expect(Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? [])).toEqual(errors);
  });

  const report = { sequence: 1, phase: "verify", state: "done" } as const;
  it.each([
    ["an unknown phase", { ...report, phase: "reboot" }, "/phase"],
    ["an unknown state", { ...report, state: "maybe" }, "/state"],
    ["sequence 0", { ...report, sequence: 0 }, "/sequence"],
    ["a huge sequence", { ...report, sequence: 1e300 }, "/sequence"],
    ["a negative duration", { ...report, durationMs: -1 }, "/durationMs"],
    ["a long log tail", { ...report, logTail: "x".repeat(16 * 1024 + 1) }, "/logTail"],
    ["exit code 0", { ...report, exitCode: 0 }, "/exitCode"],
    ["an unknown field", { ...report, token: "x" }, "/token"],
  ])("refuses a report with %s", async (_, body, pointer) => {
    const problem = problemOf(await worker.postReport(body as object), "400 invalid-request");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("refuses a report of 65 KiB, a claim that is not JSON, and a claim without hardware", async () => {
    expect(refusal(await worker.postReport({ error: "x".repeat(65 * 1024) }))).toBe("413 too-large");
    const options = { token: worker.token, body: "claim" };
    expect(refusal(await server.request("/node/v1/claim", options))).toBe("400 malformed-json");
    const bare = { token: worker.token, body: { allocation: worker.allocation } };
    const problem = problemOf(await server.request("/node/v1/claim", bare), "400 invalid-request");
    expect(problem.errors).toEqual([{ pointer: "/hardware", detail: "Expected an object, got nothing" }]);
  });
});
