import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../../test/fixtures/nothing-changes.ts";
import { createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";

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

const mac = "must be a lower-case MAC address such as 52:54:00:12:34:56";

describe("Paths and queries are refused:", () => {
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
  ] as const)("%s %s", async (method, path, status, name) => {
    expect(refusal(await server.request(path, { method }))).toBe(`${status} ${name}`);
  });

  it("names the methods that are possible", async () => {
    const answer = await server.request(`/v1/clusters/${id}`, { method: "PUT" });
    expect(answer.headers.get("allow")).toBe("GET, PATCH, DELETE");
  });
});

describe("The node API refuses", () => {
  it.each([
    ["no MAC", "uuid=1b4e28ba-2fa1-41d2-883f-0016d3cca427", { "/mac": "is required" }],
    ["a MAC in capitals", "mac=52:54:00:AA:AA:AA", { "/mac/0": mac }],
    ["a MAC with injected text", "mac=52:54:00:12:34:56%0aX: 1", { "/mac/0": mac }],
    ["an empty MAC", "mac=", { "/mac/0": mac }],
    ["two UUIDs", "mac=52:54:00:00:00:01&uuid=a&uuid=b", { "/uuid": "must be a UUID" }],
    ["a UUID that is none", "mac=52:54:00:00:00:01&uuid=0", { "/uuid": "must be a UUID" }],
    [
      "a long serial",
      `mac=52:54:00:00:00:01&serial=${"s".repeat(257)}`,
      { "/serial": "Too big: expected string to have <=256 characters" },
    ],
    [
      "an address that is none",
      "mac=52:54:00:00:00:01&address=10.0.0.256",
      { "/address/0": "must be an IPv4 address" },
    ],
    ["an unknown parameter", "mac=52:54:00:00:00:01&role=control-plane", { "/role": "is unknown" }],
    [
      "33 MACs",
      Array.from({ length: 33 }, () => "mac=52:54:00:00:00:01").join("&"),
      { "/mac": "Too big: expected array to have <=32 items" },
    ],
  ])("metadata with %s", async (_, query, errors) => {
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
  ])("a report with %s", async (_, body, pointer) => {
    const problem = problemOf(await worker.postReport(body as object), "400 invalid-request");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("a report of 65 KiB, a claim that is no JSON, and one without hardware", async () => {
    expect(refusal(await worker.postReport({ error: "x".repeat(65 * 1024) }))).toBe("413 too-large");
    const options = { token: worker.token, body: "claim" };
    expect(refusal(await server.request("/node/v1/claim", options))).toBe("400 malformed-json");
    const bare = { token: worker.token, body: { allocation: worker.allocation } };
    const problem = problemOf(await server.request("/node/v1/claim", bare), "400 invalid-request");
    expect(problem.errors).toEqual([{ pointer: "/hardware", detail: "is required" }]);
  });
});
