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
});
afterAll(() => server.close());
expectNothingChanges(() => ({ server, cluster }));

const fieldsOf = (problem: ReturnType<typeof problemOf>) =>
  Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? []);
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const controls = "must have no control characters";
const required = { "/provider": "is required", "/nodes": "is required unless controlPlanes is given" };

describe("POST /v1/clusters, as bytes, refuses", () => {
  it.each<[string, string, Record<string, string>]>([
    ["a field given twice", '{"nodes":1,"provider":"fake","nodes":1}', { "/nodes": "is given twice" }],
    [
      "a field given twice under two spellings",
      String.raw`{"nodes":1,"provider":"fake","\u006eodes":2}`,
      { "/nodes": "is given twice" },
    ],
    [
      "a field given twice inside",
      '{"nodes":1,"provider":"fake","network":{"podSubnet":"10.1.0.0/16","podSubnet":"10.2.0.0/16"}}',
      { "/network/podSubnet": "is given twice" },
    ],
    [
      "a label that is a prototype",
      '{"nodes":1,"provider":"fake","labels":{"__proto__":"x"}}',
      { "/labels/__proto__": "is not possible as a name" },
    ],
    [
      "a label with a terminal's escape sequence",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a":"\u001b[2J"}}`,
      { "/labels/a": controls },
    ],
    [
      "a label with half a character",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a":"\ud800"}}`,
      { "/labels/a": controls },
    ],
    [
      "a label's name with a NUL",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a\u0000":""}}`,
      { "/labels/a\u0000": "Invalid key in record" },
    ],
    [
      "lists 100,000 deep",
      `{"nodes":1,"provider":"fake","labels":{"a":${nested(100_000)}}}`,
      { "/labels/a": "Invalid input: expected string, received array" },
    ],
    ["objects 30,000 deep", `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`, { ...required, "/a": "is unknown" }],
    [
      "a number beyond every number",
      '{"nodes":1e400,"provider":"fake"}',
      { "/nodes": "Invalid input: expected number, received Infinity" },
    ],
    [
      "a number below zero by a rounding",
      '{"nodes":1,"provider":"fake","failedTtlSeconds":-1e-300}',
      { "/failedTtlSeconds": "Invalid input: expected int, received number" },
    ],
    [
      "an octet with a leading zero",
      '{"nodes":1,"provider":"fake","network":{"podSubnet":"010.244.0.0/16"}}',
      { "/network/podSubnet": "must be an IPv4 CIDR such as 10.244.0.0/16" },
    ],
    [
      "a name that only looks like one",
      '{"nodes":1,"provider":"fake","name":"ｂuild"}',
      { "/name": "must be a DNS label: lower-case letters, digits and inner hyphens" },
    ],
    [
      "a provider that every object has",
      '{"nodes":1,"provider":"constructor"}',
      { "/provider": "is unknown; this server has: fake" },
    ],
    [
      "true for a number",
      '{"nodes":true,"provider":"fake"}',
      { "/nodes": "Invalid input: expected number, received boolean" },
    ],
    [
      "null for a text",
      '{"nodes":1,"provider":null}',
      { "/provider": "Invalid input: expected string, received null" },
    ],
  ])("%s", async (_, body, errors) => {
    expect(fieldsOf(problemOf(await server.request("/v1/clusters", { body }), "400 invalid-request"))).toEqual(errors);
  });

  const text = '{"nodes":1,"provider":"fake"}';
  it.each<[string, string | Uint8Array | ReadableStream, Record<string, string>, string]>([
    ["a byte that is not UTF-8", Buffer.from('{"nodes":1,"labels":{"a":"\xff"}}', "latin1"), {}, "400 malformed-json"],
    ["UTF-16", Buffer.from(text, "utf16le"), {}, "400 malformed-json"],
    ["another charset", text, { "content-type": "application/json; charset=utf-16" }, "415 unsupported-media-type"],
    ["another type of JSON", text, { "content-type": "application/json-patch+json" }, "415 unsupported-media-type"],
    ["two types at once", text, { "content-type": "application/json, text/plain" }, "415 unsupported-media-type"],
    ["gzip", text, { "content-encoding": "gzip" }, "415 unsupported-media-type"],
    ["two documents", `${text}${text}`, {}, "400 malformed-json"],
    ["a comment", `// now\n${text}`, {}, "400 malformed-json"],
    ["a trailing comma", '{"nodes":1,}', {}, "400 malformed-json"],
    ["NaN", '{"nodes":NaN}', {}, "400 malformed-json"],
    ["a NUL byte", '{"nodes":1}\0', {}, "400 malformed-json"],
    ["a bare line feed in a text", '{"name":"a\nb"}', {}, "400 malformed-json"],
    ["lists 200,000 deep without an end", "[".repeat(200_000), {}, "400 malformed-json"],
    ["a stream of 300 KiB without a length", new Blob(["x".repeat(300 * 1024)]).stream(), {}, "413 too-large"],
    ["a text", '"nodes"', {}, "400 invalid-request"],
    ["a number", "1", {}, "400 invalid-request"],
  ])("%s", async (_, body, headers, expected) => {
    expect(refusal(await server.request("/v1/clusters", { body, headers }))).toBe(expected);
  });
});

describe("PATCH /v1/clusters/:id refuses", () => {
  it.each<[string, unknown, Record<string, string>]>([
    ["nothing", {}, { "/ttlSeconds": "is required" }],
    ["a short time", { ttlSeconds: 59 }, { "/ttlSeconds": "Too small: expected number to be >=60" }],
    ["a time as text", { ttlSeconds: "1h" }, { "/ttlSeconds": "Invalid input: expected number, received string" }],
    ["another field", { ttlSeconds: 60, name: "b" }, { "/name": "is unknown" }],
  ])("%s", async (_, body, errors) => {
    const answer = await server.request(`/v1/clusters/${cluster.id}`, { method: "PATCH", body });
    expect(fieldsOf(problemOf(answer, "400 invalid-request"))).toEqual(errors);
  });
});

describe("The node API, as bytes, refuses", () => {
  it.each<[string, string, string, string]>([
    [
      "a report in another charset",
      "/node/v1/reports",
      "application/json;charset=latin1",
      "415 unsupported-media-type",
    ],
    ["a claim as a form", "/node/v1/claim", "application/x-www-form-urlencoded", "415 unsupported-media-type"],
    ["a confirmation as text", "/node/v1/claim/confirm", "text/plain", "415 unsupported-media-type"],
  ])("%s", async (_, path, type, expected) => {
    const answer = await server.request(path, { token: worker.token, body: {}, headers: { "content-type": type } });
    expect(refusal(answer)).toBe(expected);
  });

  it.each<[string, string, Record<string, string>]>([
    ["mac and macs", "mac=MAC&macs=MAC", { "/macs": "is unknown" }],
    ["mac and addresses", "mac=MAC&addresses=10.0.0.1", { "/addresses": "is unknown" }],
    ["a prototype", "mac=MAC&__proto__=1", { "/__proto__": "is unknown" }],
    [
      "33 addresses",
      `mac=MAC${"&address=10.0.0.1".repeat(33)}`,
      { "/address": "Too big: expected array to have <=32 items" },
    ],
    ["an IPv6 address", "mac=MAC&address=::1", { "/address/0": "must be an IPv4 address" }],
  ])("metadata with %s", async (_, query, errors) => {
    const answer = await worker.getMetadata(query.replaceAll("MAC", worker.mac));
    expect(fieldsOf(problemOf(answer, "400 invalid-request"))).toEqual(errors);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["another node's allocation as text", { allocation: "a-1" }, "/allocation"],
    ["a duration of a year", { durationMs: 365 * 86_400_000 }, "/durationMs"],
    ["a long error", { error: "x".repeat(8193) }, "/error"],
    ["a missing peer without a name", { missing: [{ lastPhase: "none", lastReportAgoMs: null }] }, "/missing/0/name"],
    [
      "a missing peer of the past's future",
      { missing: [{ name: "n", lastPhase: "none", lastReportAgoMs: -1 }] },
      "/missing/0/lastReportAgoMs",
    ],
    ["exit code 256", { exitCode: 256 }, "/exitCode"],
    ["half a sequence", { sequence: 1.5 }, "/sequence"],
  ])("a report with %s", async (_, change, pointer) => {
    const answer = await worker.postReport({ phase: "claim", state: "done", ...change });
    expect(problemOf(answer, "400 invalid-request").errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it.each<[string, object, string]>([
    ["no MAC", { macs: [] }, "/hardware/macs"],
    ["a UUID that is none", { macs: ["52:54:00:00:00:01"], uuid: "Not Settable" }, "/hardware/uuid"],
    ["another claim's field", { macs: ["52:54:00:00:00:01"], role: "control-plane" }, "/hardware/role"],
  ])("a claim with %s", async (_, hardware, pointer) => {
    const problem = problemOf(await worker.postClaim(hardware), "400 invalid-request");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});

describe("Authorization is refused:", () => {
  it.each([
    ["nothing after Bearer", "Bearer"],
    ["two tokens", "Bearer one two"],
    ["a tab", "Bearer\tx"],
    ["a token of 600 characters", `Bearer ${"x".repeat(600)}`],
    ["two at once, as a proxy would join them", "Bearer api-token-of-the-test-server, Bearer x"],
    ["the token alone", "api-token-of-the-test-server"],
    ["the token and more", "Bearer api-token-of-the-test-serverx"],
    ["the token without its end", "Bearer api-token-of-the-test-serve"],
  ])("%s", async (_, authorization) => {
    const options = { token: null, headers: { authorization } };
    expect(refusal(await server.request(`/v1/clusters/${cluster.id}`, options))).toBe("401 unauthorized");
  });
});

describe("Paths lead nowhere else:", () => {
  it.each([
    ["/v1/clusters/%zz", "404 not-found"],
    ["/v1/clusters/%00", "404 not-found"],
    ["/v1/clusters/__proto__", "404 not-found"],
    ["/v1/clusters/%F0%9F", "404 not-found"],
    [`/v1/clusters/${"c".repeat(8000)}`, "404 not-found"],
    ["/problems/__proto__", "404 no-such-route"],
    ["/problems/constructor", "404 no-such-route"],
    ["/v1//clusters", "404 no-such-route"],
    ["/v1/clusters/", "404 no-such-route"],
    ["/V1/clusters", "404 no-such-route"],
    ["/node/v1/metadata/", "404 no-such-route"],
    ["/.env", "404 no-such-route"],
  ])("%s", async (path, expected) => {
    expect(refusal(await server.request(path))).toBe(expected);
  });
});
