import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bringUp, createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { problemTypes } from "./problem.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const get = (path: string) => server.request(path, { token: null });

describe("Routes for operators", () => {
  it("answer GET /healthz and GET /readyz without a token", async () => {
    expect([(await get("/healthz")).status, (await get("/readyz")).status]).toEqual([200, 200]);
  });

  it("answer GET /readyz with 503 if the store fails, and log why", async () => {
    await server.clusters.store.close();
    expect((await get("/readyz")).status).toBe(503);
    expect(server.log.at(-1)).toContain("Cannot use the store");
    server.clusters.store.close = async () => undefined;
  });

  it("answer GET /readyz with 503 once the server stops, and GET /healthz with 200", async () => {
    server.stopping.abort();
    const { status, text } = await get("/readyz");
    expect([status, text]).toEqual([503, "the server is stopping\n"]);
    expect((await get("/healthz")).status).toBe(200);
  });

  it("hide the reason of an internal error, and log it", async () => {
    await server.clusters.store.close();
    const problem = problemOf(await server.request("/v1/clusters"), "500 internal");
    expect(problem.detail).toBe("The server could not handle the request; its log has the reason");
    expect(server.log.at(-1)).toContain("it is closed");
    server.clusters.store.close = async () => undefined;
  });

  it("count clusters by state, steps, alerts and requests by route in GET /metrics", async () => {
    const ready = await server.create();
    await bringUp(server, ready);
    const other = await server.create({ name: "other" });
    await createTestMachine(server, other, 1).getMetadata("mac=52:54:00:99:99:99");
    const { text } = await server.request("/metrics");
    for (const line of [
      'sprout_clusters{state="ready"} 1',
      'sprout_clusters{state="provisioning"} 1',
      "sprout_bring_up_seconds_count 1",
      'sprout_phase_duration_seconds_sum{phase="network",role="worker"} 0.024',
      'sprout_alerts_total{code="wrong-machine"} 1',
      'sprout_http_requests_total{method="GET",route="/node/v1/metadata",status="403"} 1',
      'sprout_http_requests_total{method="GET",route="/v1/clusters/:id",status="200"} 2',
      "sprout_held_requests 0",
    ])
      expect(text.split("\n")).toContain(line);
  });

  it.each([null, "wrong"])("refuse GET /metrics with the token %s", async (token) => {
    const answer = await server.request("/metrics", { token });
    problemOf(answer, "401 unauthorized");
    expect(answer.text).not.toContain("sprout_");
  });

  it("keep GET /metrics small for unknown paths", async () => {
    for (const path of ["/a", "/b", "/v1/c"]) await server.request(path);
    expect((await server.request("/metrics")).text).toContain('route="(none)",status="404"} 3');
  });

  it.each(Object.keys(problemTypes))("explain a problem type in GET /problems/%s", async (name) => {
    const answer = await get(`/problems/${name}`);
    expect([answer.status, answer.text.split("\n\n").length]).toEqual([200, 2]);
  });
});
