import { afterEach, expect, test } from "vitest";
import type { Hono } from "hono";
import { fakeCluster, fakeClusterId, fakeToken, startFakeApi, type FakeApi } from "../../../test/fakes/fake-api.ts";
import { createApiClient } from "./api-client.ts";
import { loadConnection } from "./connection.ts";

const closing: FakeApi[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((api) => api.close()));
});

async function connect(define: (app: Hono) => void, signal = new AbortController().signal) {
  const api = await startFakeApi(define);
  closing.push(api);
  const flags = { server: api.url, dataDir: api.dataDir };
  const connection = await loadConnection(flags, { server: undefined, token: undefined });
  return createApiClient(connection, { signal, now: Date.now });
}

const problem = { type: "/problems/invalid-request", title: "Invalid request", status: 400 };
const headers = { "content-type": "application/problem+json" };

test("creating sends the body with token and idempotency key, and returns the cluster", async () => {
  const seen: unknown[] = [];
  const client = await connect((app) =>
    app.post("/v1/clusters", async (c) => {
      seen.push(c.req.header("authorization"), c.req.header("idempotency-key"), await c.req.json());
      return c.json(fakeCluster(), 202);
    }),
  );
  expect(await client.create({ nodes: 2, provider: "nspawn" }, { idempotencyKey: "job-17" })).toEqual(fakeCluster());
  expect(seen).toEqual([`Bearer ${fakeToken}`, "job-17", { nodes: 2, provider: "nspawn" }]);
});

test("listing reads every page", async () => {
  const { members: _members, ...summary } = { ...fakeCluster(), nodes: 2 };
  const client = await connect((app) =>
    app.get("/v1/clusters", (c) => {
      const first = c.req.query("after") === undefined;
      const clusters = [{ ...summary, name: first ? "b2" : "b1" }];
      return c.json({ clusters, next: first ? fakeClusterId : null });
    }),
  );
  expect((await client.list()).map((cluster) => cluster.name)).toEqual(["b2", "b1"]);
});

test("a refusal lists every invalid field on a line of its own", async () => {
  const errors = [
    { pointer: "/nodes", detail: "must be a whole number" },
    { pointer: "/ttlSeconds", detail: "must be at least 60" },
  ];
  const client = await connect((app) =>
    app.post("/v1/clusters", (c) => c.json({ ...problem, detail: "2 fields are invalid", errors }, 400, headers)),
  );
  await expect(client.create({})).rejects.toMatchObject({
    exitCode: 2,
    message:
      "Invalid request: 2 fields are invalid\n  /nodes: must be a whole number\n  /ttlSeconds: must be at least 60",
  });
});

test.for([
  [401, 2, "Refused\n  give the server's token with --token-file FILE or SPROUT_TOKEN"],
  [404, 3, "Refused"],
  [409, 1, "Refused"],
  [410, 3, "Refused"],
  [422, 2, "Refused"],
  [500, 5, "Refused"],
  [503, 5, "Refused"],
  [504, 4, "Refused"],
] as const)("a problem with status %d ends with exit code %d", async ([status, exitCode, message]) => {
  const client = await connect((app) =>
    app.get("*", (c) => c.json({ ...problem, title: "Refused", status }, status, headers)),
  );
  await expect(client.get(fakeClusterId)).rejects.toMatchObject({ exitCode, message });
});

const notUnderstood = (why: string) => ({
  exitCode: 5,
  message: `Cannot understand the server's answer: ${why}; client and server may be of different versions`,
});

test("an answer of another content type is refused", async () => {
  const client = await connect((app) => app.get("*", (c) => c.html("<p>a proxy's page</p>")));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(
    notUnderstood('content type is "text/html" where application/json is expected'),
  );
});

test("an error that is no problem document is refused", async () => {
  const client = await connect((app) => app.get("*", (c) => c.text("bad gateway", 502)));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(
    notUnderstood('status 502 with content type "text/plain"'),
  );
});

test("an answer with an unknown field is refused by name", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json({ ...fakeCluster(), colour: "green" })));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(notUnderstood('/ Unrecognized key: "colour"'));
});

test("an answer with a wrong value is refused by its place", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json({ ...fakeCluster(), endpoint: 6443 })));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(
    notUnderstood("/endpoint Invalid input: expected string, received number"),
  );
});

test("an answer that breaks off is refused", async () => {
  const client = await connect((app) =>
    app.get("*", () => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"id":'));
          setTimeout(() => controller.error(new Error("fault made by the test")), 20);
        },
      });
      return new Response(body, { headers: { "content-type": "application/json" } });
    }),
  );
  await expect(client.get(fakeClusterId)).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringMatching(/^Cannot read the answer of https:\/\/127\.0\.0\.1:\d+: aborted$/) as string,
  });
});

test("a server that is not there is named, with what to do", async () => {
  const api = await startFakeApi(() => undefined);
  const flags = { server: "https://127.0.0.1:1", dataDir: api.dataDir };
  const connection = await loadConnection(flags, { server: undefined, token: undefined });
  await api.close();
  const client = createApiClient(connection, { signal: new AbortController().signal, now: Date.now });
  await expect(client.list()).rejects.toMatchObject({
    exitCode: 5,
    message: 'Cannot reach https://127.0.0.1:1: connection refused; start it with "sprout serve", or give --server URL',
  });
});

test("a server whose certificate another authority signed is not trusted", async () => {
  const [api, other] = await Promise.all([startFakeApi(() => undefined), startFakeApi(() => undefined)]);
  closing.push(api, other);
  const flags = { server: api.url, ca: other.caFile, dataDir: api.dataDir };
  const connection = await loadConnection(flags, { server: undefined, token: undefined });
  const client = createApiClient(connection, { signal: new AbortController().signal, now: Date.now });
  await expect(client.list()).rejects.toMatchObject({
    exitCode: 5,
    message: `Cannot trust ${api.url}: its certificate is not signed by ${other.caFile}; give the server's authority with --ca FILE`,
  });
});

test("waiting asks again until the condition holds", async () => {
  const asked: string[] = [];
  const client = await connect((app) =>
    app.get("/v1/clusters/:id", (c) => {
      asked.push(c.req.url.slice(c.req.url.indexOf("?")));
      return c.json(
        asked.length < 3 ? fakeCluster() : fakeCluster({ state: "ready", readyAt: "2026-01-01T00:00:08.000Z" }),
      );
    }),
  );
  const cluster = await client.wait(fakeClusterId, { condition: "ready", timeoutMs: 90_000 });
  expect(cluster.state).toBe("ready");
  expect(asked).toEqual(["?wait=ready&timeout=60", "?wait=ready&timeout=60", "?wait=ready&timeout=60"]);
});

test("waiting ends when the cluster has failed", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json(fakeCluster({ state: "failed" }))));
  expect((await client.wait(fakeClusterId, { condition: "available", timeoutMs: 1000 })).state).toBe("failed");
});

test("waiting longer than allowed ends with exit code 4", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json(fakeCluster())));
  await expect(client.wait(fakeClusterId, { condition: "ready", timeoutMs: 150 })).rejects.toMatchObject({
    exitCode: 4,
    message: "Cluster build126 is not ready after 0.15 seconds: it is provisioning",
  });
});

test("an abort ends a request that is held open", async () => {
  const controller = new AbortController();
  const client = await connect((app) => app.get("*", () => new Promise<Response>(() => undefined)), controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await expect(client.get(fakeClusterId)).rejects.toThrow("enough");
});

test("a name stands for its live cluster, never for a deleted one", async () => {
  const { members: _members, ...summary } = { ...fakeCluster(), nodes: 2 };
  const client = await connect((app) =>
    app.get("/v1/clusters", (c) => {
      const deleted = { ...summary, id: "c-aaaaaaaaaaaaaaaa", state: "deleted" };
      return c.json({ clusters: c.req.query("name") === "build126" ? [deleted, summary] : [deleted], next: null });
    }),
  );
  expect(await client.resolve("build126")).toBe(fakeClusterId);
  await expect(client.resolve("build127")).rejects.toMatchObject({
    exitCode: 3,
    message: 'No cluster is named "build127"; see "sprout clusters list"',
  });
});
