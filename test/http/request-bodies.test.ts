import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../fixtures/nothing-changes.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

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
const controls = "Expected text of at most 256 characters without control characters, got ";
const tooDeep = { "": "Expected at most 64 levels of lists and objects, got more" };
const required = {
  "/provider": "Expected text of 1 to 32 characters, got nothing",
  "/nodes": "Expected nodes or controlPlanes, got neither",
};

describe("POST /v1/clusters, byte by byte", () => {
  it.each<[string, string, Record<string, string>]>([
    ["a field given twice", '{"nodes":1,"provider":"fake","nodes":1}', { "/nodes": "Expected one value, got several" }],
    [
      "a field given twice under two spellings",
      String.raw`{"nodes":1,"provider":"fake","\u006eodes":2}`,
      { "/nodes": "Expected one value, got several" },
    ],
    [
      "a field given twice inside",
      '{"nodes":1,"provider":"fake","network":{"podSubnet":"10.1.0.0/16","podSubnet":"10.2.0.0/16"}}',
      { "/network/podSubnet": "Expected one value, got several" },
    ],
    [
      "a label that is a prototype",
      '{"nodes":1,"provider":"fake","labels":{"__proto__":"x"}}',
      { "/labels/__proto__": 'Expected another name, got "__proto__"' },
    ],
    [
      "a label with a terminal's escape sequence",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a":"\u001b[2J"}}`,
      { "/labels/a": `${controls}${String.raw`"\u001b[2J"`}` },
    ],
    [
      "a label with half a character",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a":"\ud800"}}`,
      { "/labels/a": `${controls}${String.raw`"\ud800"`}` },
    ],
    [
      "a label's name with a NUL",
      String.raw`{"nodes":1,"provider":"fake","labels":{"a\u0000":""}}`,
      {
        "/labels/a\u0000": String.raw`Expected a label name of 1 to 63 characters without control characters, got "a\u0000"`,
      },
    ],
    [
      "lists 64 levels deep",
      `{"nodes":1,"provider":"fake","labels":{"a":${nested(62)}}}`,
      { "/labels/a": `${controls}a list` },
    ],
    ["objects 64 levels deep", `${'{"a":'.repeat(64)}1${"}".repeat(64)}`, { ...required, "/a": "Unknown field" }],
    ["lists 65 levels deep", `{"nodes":1,"provider":"fake","labels":{"a":${nested(63)}}}`, tooDeep],
    ["objects 30,000 levels deep", `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`, tooDeep],
    ["lists 200,000 levels deep without an end", "[".repeat(200_000), tooDeep],
    [
      "a number beyond every number",
      '{"nodes":1e400,"provider":"fake"}',
      { "/nodes": "Expected a whole number from 1 to 5000, got Infinity" },
    ],
    [
      "a number below zero by a rounding",
      '{"nodes":1,"provider":"fake","failedTtlSeconds":-1e-300}',
      { "/failedTtlSeconds": "Expected a whole number from 0 to 86400, got -1e-300" },
    ],
    [
      "an octet with a leading zero",
      '{"nodes":1,"provider":"fake","network":{"podSubnet":"010.244.0.0/16"}}',
      { "/network/podSubnet": 'Expected an IPv4 CIDR such as 10.244.0.0/16, got "010.244.0.0/16"' },
    ],
    [
      "a name that only looks like one",
      '{"nodes":1,"provider":"fake","name":"ｂuild"}',
      { "/name": 'Expected a DNS label of at most 63 lower-case letters, digits and inner hyphens, got "ｂuild"' },
    ],
    [
      "a provider that every object has",
      '{"nodes":1,"provider":"constructor"}',
      { "/provider": 'Expected a provider of this server (fake), got "constructor"' },
    ],
    [
      "true for a number",
      '{"nodes":true,"provider":"fake"}',
      { "/nodes": "Expected a whole number from 1 to 5000, got true" },
    ],
    [
      "null for a text",
      '{"nodes":1,"provider":null}',
      { "/provider": "Expected text of 1 to 32 characters, got null" },
    ],
  ])("refuses %s, and names the field", async (_, body, errors) => {
    expect(fieldsOf(problemOf(await server.request("/v1/clusters", { body }), "400 invalid-request"))).toEqual(errors);
  });

  it("refuses a body that is not JSON on one line, without its control characters", async () => {
    const { detail } = problemOf(await server.request("/v1/clusters", { body: "\u0000\n{" }), "400 malformed-json");
    expect(detail).toMatch(/^The body is not JSON: Unexpected token '\\u0000', "\\u0000\\u000a\{" is not valid JSON$/);
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
    ["lists 60 levels deep without an end", "[".repeat(60), {}, "400 malformed-json"],
    ["brackets in a text that has no end", `"${"[".repeat(1000)}`, {}, "400 malformed-json"],
    ["a stream of 300 KiB without a length", new Blob(["x".repeat(300 * 1024)]).stream(), {}, "413 too-large"],
    ["a text", '"nodes"', {}, "400 invalid-request"],
    ["a number", "1", {}, "400 invalid-request"],
  ])("refuses %s", async (_, body, headers, expected) => {
    expect(refusal(await server.request("/v1/clusters", { body, headers }))).toBe(expected);
  });
});

describe("PATCH /v1/clusters/:id", () => {
  it.each<[string, unknown, Record<string, string>]>([
    ["an empty object", {}, { "/ttlSeconds": "Expected a whole number of at least 60, got nothing" }],
    ["a short time", { ttlSeconds: 59 }, { "/ttlSeconds": "Expected a whole number of at least 60, got 59" }],
    ["a time as text", { ttlSeconds: "1h" }, { "/ttlSeconds": 'Expected a whole number of at least 60, got "1h"' }],
    ["another field", { ttlSeconds: 60, name: "b" }, { "/name": "Unknown field" }],
  ])("refuses %s", async (_, body, errors) => {
    const answer = await server.request(`/v1/clusters/${cluster.id}`, { method: "PATCH", body });
    expect(fieldsOf(problemOf(answer, "400 invalid-request"))).toEqual(errors);
  });
});

describe("The node API, byte by byte", () => {
  it.each<[string, string, string, string]>([
    [
      "a report in another charset",
      "/node/v1/reports",
      "application/json;charset=latin1",
      "415 unsupported-media-type",
    ],
    ["a claim as a form", "/node/v1/claim", "application/x-www-form-urlencoded", "415 unsupported-media-type"],
    ["a confirmation as text", "/node/v1/claim/confirm", "text/plain", "415 unsupported-media-type"],
  ])("refuses %s", async (_, path, type, expected) => {
    const answer = await server.request(path, { token: worker.token, body: {}, headers: { "content-type": type } });
    expect(refusal(answer)).toBe(expected);
  });

  it.each<[string, string, Record<string, string>]>([
    ["mac and macs", "mac=MAC&macs=MAC", { "/macs": "Unknown field" }],
    ["mac and addresses", "mac=MAC&addresses=10.0.0.1", { "/addresses": "Unknown field" }],
    ["a prototype", "mac=MAC&__proto__=1", { "/__proto__": "Unknown field" }],
    [
      "33 addresses",
      `mac=MAC${"&address=10.0.0.1".repeat(33)}`,
      { "/address": "Expected a list of at most 32 items, got 33 items" },
    ],
    ["an IPv6 address", "mac=MAC&address=::1", { "/address/0": 'Expected an IPv4 address, got "::1"' }],
  ])("refuses metadata with %s", async (_, query, errors) => {
    const answer = await worker.getMetadata(query.replaceAll("MAC", worker.mac));
    expect(fieldsOf(problemOf(answer, "400 invalid-request"))).toEqual(errors);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["another node's allocation as text", { allocation: "a-1" }, "/allocation"],
    ["a duration of a year", { durationMs: 365 * 86_400_000 }, "/durationMs"],
    ["a long error", { error: "x".repeat(8193) }, "/error"],
    ["a missing peer without a name", { missing: [{ lastPhase: "none", lastReportAgoMs: null }] }, "/missing/0/name"],
    [
      "a missing peer that reports in the future",
      { missing: [{ name: "n", lastPhase: "none", lastReportAgoMs: -1 }] },
      "/missing/0/lastReportAgoMs",
    ],
    ["exit code 256", { exitCode: 256 }, "/exitCode"],
    ["half a sequence", { sequence: 1.5 }, "/sequence"],
  ])("refuses a report with %s", async (_, change, pointer) => {
    const answer = await worker.postReport({ phase: "claim", state: "done", ...change });
    expect(problemOf(answer, "400 invalid-request").errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it.each<[string, object, string]>([
    ["no MAC", { macs: [] }, "/hardware/macs"],
    ["a malformed UUID", { macs: ["52:54:00:00:00:01"], uuid: "Not Settable" }, "/hardware/uuid"],
    ["another claim's field", { macs: ["52:54:00:00:00:01"], role: "control-plane" }, "/hardware/role"],
  ])("refuses a claim with %s", async (_, hardware, pointer) => {
    const problem = problemOf(await worker.postClaim(hardware), "400 invalid-request");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});

describe("Authorization of the API", () => {
  it.each([
    ["nothing after Bearer", "Bearer"],
    ["two tokens", "Bearer one two"],
    ["a tab", "Bearer\tx"],
    ["a token of 600 characters", `Bearer ${"x".repeat(600)}`],
    ["two values joined as by a proxy", "Bearer api-token-of-the-test-server, Bearer x"],
    ["the token without its scheme", "api-token-of-the-test-server"],
    ["a longer token", "Bearer api-token-of-the-test-serverx"],
    ["a truncated token", "Bearer api-token-of-the-test-serve"],
  ])("refuses %s", async (_, authorization) => {
    const options = { token: null, headers: { authorization } };
    expect(refusal(await server.request(`/v1/clusters/${cluster.id}`, options))).toBe("401 unauthorized");
  });
});

describe("GET of a path that does not exist", () => {
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
  ])("finds nothing at %s", async (path, expected) => {
    expect(refusal(await server.request(path))).toBe(expected);
  });
});
