import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { expectNothingChanges } from "../fixtures/nothing-changes.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, plainUrl, problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;
let worker: TestMachine;

beforeAll(async () => {
  server = await createTestServer();
  cluster = await server.create();
  worker = createTestMachine(server, cluster, 1);
});
afterAll(() => server.close());
expectNothingChanges(() => ({ server, cluster }));

const unknown = "A".repeat(43);
const nested = (depth: number, inside: string) => "[".repeat(depth) + inside + "]".repeat(depth);
const fill = (part: string, bytes: number) => part.repeat(Math.floor(bytes / part.length));

/** Bodies that are costly to read, of at most so many bytes. */
const costly: [string, (bytes: number) => string][] = [
  ["lists as deep as it is long", (bytes) => nested(bytes / 2, "")],
  ["the same names again and again, deep", (bytes) => nested(60, `{${fill('"n":1,"m":1,', bytes - 200)}"n":1}`)],
  ["different names, each twice", (bytes) => `{${names(bytes / 30, (name) => `"${name}":1,"${name}":1`)}}`],
  ["different names", (bytes) => `{${names(bytes / 15, (name) => `"${name}":1`)}}`],
  ["names of numbers", (bytes) => `{${names(bytes / 20, (_, index) => `"${index * 65_537}":1`)}}`],
  ["__proto__ in every object", (bytes) => `[${fill('{"__proto__":{}},', bytes - 100)}1]`],
  [
    "repeated fields below a long name",
    (bytes) => `{"${"x".repeat(bytes / 2)}":{${fill('"n":1,', bytes / 2 - 100)}"n":1}}`,
  ],
  ["empty objects", (bytes) => `[${fill("{},", bytes - 100)}1]`],
  ["one text of escapes", (bytes) => `"${fill("\\\\", bytes - 100)}"`],
  ["a text without an end", (bytes) => `"${fill("\\", bytes - 100)}`],
  ["many labels", (bytes) => `{"labels":{${names(bytes / 15, (name) => `"${name}":1`)}}}`],
  ["many bad items of a list", (bytes) => `{"missing":[${fill("0,", bytes - 100)}0],"hardware":{"macs":[0]}}`],
];
const names = (count: number, toField: (name: string, index: number) => string) =>
  Array.from({ length: count }, (_, index) => toField(`n${index.toString(36)}`, index)).join(",");

/** Processor time of this thread, in milliseconds, at best of three: what other requests wait for. */
async function leastTime(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const before = process.threadCpuUsage();
    await work();
    const { user, system } = process.threadCpuUsage(before);
    times.push((user + system) / 1000);
  }
  return Math.min(...times);
}

describe("Routes with a token", () => {
  it.each([
    ["/node/v1/claim", "[".repeat(1000), "application/json"],
    ["/node/v1/claim", "x".repeat(100_000), "application/json"],
    ["/node/v1/claim/confirm", "", "application/json"],
    ["/node/v1/claim/confirm", "\u0000", "text/html"],
    ["/node/v1/reports", '{"a":1,"a":1}', "application/json"],
    ["/node/v1/metadata?mac=none&mac=&x=1", undefined, "application/json"],
    ["/node/v1/peers", undefined, "application/json"],
    [`${plainUrl}/nocloud/${unknown}/report`, "{", "application/json"],
    [`${plainUrl}/nocloud/${unknown}/report`, "x".repeat(100_000), "application/json"],
    [`${plainUrl}/nocloud/${unknown}/phone-home`, "", "application/json"],
    [`${plainUrl}/nocloud/short/report`, nested(1000, ""), "application/json"],
  ])("refuse an unknown token before they read the body: %s", async (path, body, type) => {
    const answer = await server.request(path, { token: unknown, body, headers: { "content-type": type } });
    expect(refusal(answer)).toBe("403 wrong-machine");
  });

  it("refuse an unknown token at /v1, however long the body is", async () => {
    const body = "[".repeat(1_000_000);
    expect(refusal(await server.request("/v1/clusters", { token: unknown, body }))).toBe("401 unauthorized");
  });
});

describe("Parsers of bodies", () => {
  it.each(costly)("refuse %s in little time, and with a short answer", async (_, create) => {
    const requests = [
      { path: "/v1/clusters", body: create(250_000), options: {} },
      { path: "/v1/machines", body: create(250_000), options: {} },
      { path: "/node/v1/claim", body: create(64_000), options: { token: worker.token } },
      { path: "/node/v1/reports", body: create(64_000), options: { token: worker.token } },
    ];
    for (const { path, body, options } of requests) {
      const send = () => server.request(path, { body, ...options });
      const answer = await send();
      expect(answer.status).toBe(400);
      expect(answer.text.length).toBeLessThan(body.length);
      expect(await leastTime(send)).toBeLessThan(50);
    }
  });

  it("read what cloud-init and a machine report in little time", async () => {
    const form = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    for (const [, create] of costly)
      expect(
        await leastTime(() =>
          server.request(`${plainUrl}/nocloud/${worker.capability}/report`, { body: create(16_000) }),
        ),
      ).toBeLessThan(50);
    const body = names(3000, (name) => name).replaceAll(",", "&");
    expect(
      await leastTime(() => server.request(`${plainUrl}/machine-reports/inspection`, { body, ...form })),
    ).toBeLessThan(50);
  });

  it("answer one error about the depth of lists around repeated fields", async () => {
    const body = nested(200, '{"n":1,"n":1,"m":1,"m":1}');
    for (const [path, token] of [["/v1/clusters"], ["/node/v1/claim", worker.token]] as const) {
      const { errors } = problemOf(
        await server.request(path, { body, ...(token && { token }) }),
        "400 invalid-request",
      );
      expect(errors).toEqual([{ pointer: "", detail: "Expected at most 64 levels of lists and objects, got more" }]);
    }
    const report = await server.request(`${plainUrl}/nocloud/${worker.capability}/report`, { body });
    expect(problemOf(report, "400 invalid-request").errors).toHaveLength(1);
  });

  it("name the first 20 unknown fields, and how many there are", async () => {
    const body = `{${names(100, (name) => `"${name}":1`)}}`;
    const { errors = [] } = problemOf(
      await server.request("/node/v1/reports", { body, token: worker.token }),
      "400 invalid-request",
    );
    expect(errors.filter(({ detail }) => detail === "Unknown field")).toHaveLength(20);
    expect(errors).toContainEqual({ pointer: "", detail: "Expected known fields alone, got 100 unknown ones" });
  });
});
