import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let worker: TestMachine;
let before: Awaited<ReturnType<TestServer["dump"]>>;

beforeAll(async () => {
  server = await createTestServer();
  worker = createTestMachine(server, await server.create(), 1);
  before = await server.dump();
});
afterAll(() => server.close());

/** Known fields with any value, any fields, or any JSON at all: never a valid request. */
const fields = [
  "name",
  "nodes",
  "provider",
  "network",
  "labels",
  "allocation",
  "hardware",
  "sequence",
  "phase",
  "ttlSeconds",
];
const body = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), fc.jsonValue()),
  fc.dictionary(fc.constantFrom(...fields), fc.oneof(fc.integer(), fc.string(), fc.constant(null))),
);
const route = fc.constantFrom(
  ["POST", "/v1/clusters", "api"],
  ["POST", "/node/v1/claim", "node"],
  ["POST", "/node/v1/claim/confirm", "node"],
  ["POST", "/node/v1/reports", "node"],
);

describe("Any request", () => {
  it("gets a problem document that names every field for arbitrary JSON, and changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(route, body, async ([method = "", path = "", who], json) => {
        const token = who === "node" ? { token: worker.token } : {};
        const answer = await server.request(path, { method, body: JSON.stringify(json), ...token });
        expect(refusal(answer)).toBe("400 invalid-request");
        const { errors } = answer.body as { errors: { pointer: string; detail: string }[] };
        expect(errors.length).toBeGreaterThan(0);
        expect(errors.filter(({ pointer }) => !/^(\/([^~]|~[01])*)?$/.test(pointer))).toEqual([]);
      }),
      { numRuns: 300 },
    );
    expect(await server.dump()).toEqual(before);
  });

  it("never gets status 500, whatever its path and query", async () => {
    const start = fc.constantFrom(
      "/",
      "/v1/",
      "/v1/clusters/",
      "/node/v1/",
      "/problems/",
      "/v1/clusters?",
      "/node/v1/metadata?",
    );
    await fc.assert(
      fc.asyncProperty(start, fc.string({ unit: "binary" }), async (prefix, rest) => {
        const answer = await server.request(prefix + encodeURI(rest.toWellFormed()));
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400) expect(refusal(answer)).toMatch(/^4\d\d [a-z-]+$/);
      }),
      { numRuns: 300 },
    );
    expect(await server.dump()).toEqual(before);
  });

  it("gets a refusal for an arbitrary token", async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[\x21-\x7e]{1,60}$/), async (token) => {
        expect(refusal(await server.request("/v1/clusters", { token }))).toBe("401 unauthorized");
        const mac = `mac=${worker.mac}`;
        expect(refusal(await server.request(`/node/v1/metadata?${mac}`, { token }))).toBe("403 wrong-machine");
      }),
    );
    expect(await server.dump()).toEqual(before);
  });
});
