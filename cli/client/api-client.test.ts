import { afterEach, expect, it } from "vitest";
import type { Hono } from "hono";
import { fakeCluster, fakeClusterId, fakeToken, startFakeApi, type FakeApi } from "../../test/fakes/fake-api.ts";
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

it("creating sends the body with token and idempotency key, and returns the cluster", async () => {
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

it("listing reads every page", async () => {
  const { members: _members, degraded: _degraded, ...common } = fakeCluster();
  const summary = { ...common, nodePools: [{ name: "default" }], nodes: 2 };
  const client = await connect((app) =>
    app.get("/v1/clusters", (c) => {
      const first = c.req.query("after") === undefined;
      const clusters = [{ ...summary, name: first ? "b2" : "b1" }];
      return c.json({ clusters, next: first ? fakeClusterId : null });
    }),
  );
  expect((await client.list()).map((cluster) => cluster.name)).toEqual(["b2", "b1"]);
});

it("a refusal lists every invalid field on a separate line", async () => {
  const errors = [
    { pointer: "/nodes", detail: "Expected a whole number" },
    { pointer: "/ttlSeconds", detail: "Expected at least 60" },
  ];
  const client = await connect((app) =>
    app.post("/v1/clusters", (c) => c.json({ ...problem, detail: "2 fields are invalid", errors }, 400, headers)),
  );
  await expect(client.create({})).rejects.toMatchObject({
    exitCode: 2,
    message:
      "Invalid request: 2 fields are invalid\n  /nodes: Expected a whole number\n  /ttlSeconds: Expected at least 60",
  });
});

it.for([
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

it("an answer of another content type is refused", async () => {
  const client = await connect((app) => app.get("*", (c) => c.html("<p>a proxy's page</p>")));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(
    notUnderstood('expected content type application/json, got "text/html"'),
  );
});

it("an error without a problem document is refused", async () => {
  const client = await connect((app) => app.get("*", (c) => c.text("bad gateway", 502)));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(
    notUnderstood('status 502 with content type "text/plain"'),
  );
});

it("an answer with an unknown field is refused with its name", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json({ ...fakeCluster(), colour: "green" })));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(notUnderstood("/colour: Unknown field"));
});

it("an answer with a wrong value is refused with its pointer", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json({ ...fakeCluster(), endpoint: 6443 })));
  await expect(client.get(fakeClusterId)).rejects.toMatchObject(notUnderstood("/endpoint: Expected text"));
});

it("a truncated answer is refused", async () => {
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

it("an unreachable server is named, with a fix", async () => {
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

it("a server whose certificate another authority signed is not trusted", async () => {
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

it("waiting polls until the condition holds", async () => {
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

it("waiting ends when the cluster has failed", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json(fakeCluster({ state: "failed" }))));
  expect((await client.wait(fakeClusterId, { condition: "available", timeoutMs: 1000 })).state).toBe("failed");
});

it("waiting longer than allowed ends with exit code 4", async () => {
  const client = await connect((app) => app.get("*", (c) => c.json(fakeCluster())));
  await expect(client.wait(fakeClusterId, { condition: "ready", timeoutMs: 150 })).rejects.toMatchObject({
    exitCode: 4,
    message: "Cluster build126 is not ready after 0.15 seconds: it is provisioning",
  });
});

it("an abort ends a long-poll", async () => {
  const controller = new AbortController();
  const client = await connect((app) => app.get("*", () => new Promise<Response>(() => undefined)), controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await expect(client.get(fakeClusterId)).rejects.toThrow("enough");
});

it("a name resolves to its live cluster, never to a deleted one", async () => {
  const { members: _members, degraded: _degraded, ...common } = fakeCluster();
  const summary = { ...common, nodePools: [{ name: "default" }], nodes: 2 };
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
