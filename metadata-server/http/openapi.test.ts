import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, type Answer, type TestServer } from "../../test/fixtures/test-server.ts";
import { createExternalProvider } from "../providers/external/external-provider.ts";

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, Body>; requestBody?: Body }>>;
  components: { schemas: Record<string, object> };
}
type Body = { content?: Record<string, { schema: object }> };

let server: TestServer;
let document: OpenApi;
let cluster: Cluster;

beforeAll(async () => {
  server = await createTestServer({
    furtherProviders: () => [
      createExternalProvider({ serverUrl: "https://sprout.example", kubernetesVersions: [defaultKubernetesVersion] }),
    ],
  });
  document = (await server.request("/openapi.json", { token: null })).body as OpenApi;
  cluster = await server.create({ labels: { team: "ci" }, ttlSeconds: 3600 });
});
afterAll(() => server.close());

/** Compiles a validator of one body from nothing but the served document. */
function compile(body: Body | undefined, mediaType = "application/json"): ValidateFunction {
  const schema = body?.content?.[mediaType]?.schema;
  if (schema === undefined) throw new Error(`The document describes no ${mediaType} here`);
  // Formats repeat the patterns next to them.
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return ajv.compile({ ...schema, components: document.components });
}

/** What the served document finds wrong with an answer. It must also reject the answer with an additional field. */
function violations(answer: Answer, operation: { path: string; method: string }): unknown {
  const { responses } = document.paths[operation.path]![operation.method]!;
  const mediaType = answer.headers.get("content-type")!.split(";")[0]!;
  const validate = compile(responses[String(answer.status)], mediaType);
  if (!validate(answer.body)) return validate.errors;
  const isStrict = !validate({ ...(answer.body as object), surprise: 1 });
  return isStrict || mediaType === "application/problem+json" ? "none" : "unknown fields are accepted";
}

describe("GET /openapi.json", () => {
  it("describes every route in OpenAPI 3.1, except those for operators and tools", () => {
    expect(document.openapi).toBe("3.1.1");
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    const served = server.app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`);
    const undescribed = ["/healthz", "/metrics", "/openapi.json", "/problems/:name", "/readyz"].map(
      (path) => `GET ${path}`,
    );
    expect([...described, ...undescribed].toSorted()).toEqual([...new Set(served)].toSorted());
  });

  it("describes the answers of the cluster API", async () => {
    const created = await server.request("/v1/clusters", { body: { nodes: 2, provider: "fake" } });
    expect(violations(created, { path: "/v1/clusters", method: "post" })).toBe("none");
    expect(violations(await server.request("/v1/clusters"), { path: "/v1/clusters", method: "get" })).toBe("none");
    const refused = await server.request("/v1/clusters", { body: { nodes: 0 } });
    expect(violations(refused, { path: "/v1/clusters", method: "post" })).toBe("none");
    const { id } = created.body as Cluster;
    expect(violations(await server.request(`/v1/clusters/${id}`), { path: "/v1/clusters/{id}", method: "get" })).toBe(
      "none",
    );
    expect(violations(await server.request("/v1/clusters/none"), { path: "/v1/clusters/{id}", method: "get" })).toBe(
      "none",
    );
    const extended = await server.request(`/v1/clusters/${id}`, { method: "PATCH", body: { ttlSeconds: 600 } });
    expect(violations(extended, { path: "/v1/clusters/{id}", method: "patch" })).toBe("none");
    const deleted = await server.request(`/v1/clusters/${id}`, { method: "DELETE" });
    expect(violations(deleted, { path: "/v1/clusters/{id}", method: "delete" })).toBe("none");
  });

  it("describes the answers of the node API, and a ready cluster", async () => {
    const [first, worker] = [createTestMachine(server, cluster, 0), createTestMachine(server, cluster, 1)];
    const metadata = { path: "/node/v1/metadata", method: "get" };
    expect(violations(await first.getMetadata(), metadata)).toBe("none");
    expect(violations(await worker.getMetadata(), metadata)).toBe("none");
    expect(violations(await first.postClaim(), { path: "/node/v1/claim", method: "post" })).toBe("none");
    expect(violations(await worker.postClaim(), { path: "/node/v1/claim", method: "post" })).toBe("none");
    expect(violations(await worker.postConfirm(), { path: "/node/v1/claim/confirm", method: "post" })).toBe("none");
    expect(violations(await worker.postClaim(), { path: "/node/v1/claim", method: "post" })).toBe("none");
    const peers = await server.request("/node/v1/peers", { token: first.token });
    expect(violations(peers, { path: "/node/v1/peers", method: "get" })).toBe("none");
    const ready = await server.create({ name: "ready" });
    await bringUp(server, ready);
    expect(
      violations(await server.request(`/v1/clusters/${ready.id}`), { path: "/v1/clusters/{id}", method: "get" }),
    ).toBe("none");
  });

  it("describes issued and refused user-data", async () => {
    const { id, members } = await server.create({ name: "external", nodes: 1, provider: "external" });
    const ask = (name: string, format: string) =>
      server.request(`/v1/clusters/${id}/members/${name}/user-data?format=${format}`, { method: "POST" });
    const operation = { path: "/v1/clusters/{id}/members/{name}/user-data", method: "post" };
    const { name } = members[0]!;
    for (const answer of [await ask(name, "json"), await ask(name, "seed"), await ask("node07", "json")])
      expect(violations(answer, operation)).toBe("none");
    const validate = compile(document.paths[operation.path]!["post"]!.responses["200"], "text/cloud-config");
    expect(validate((await ask(name, "cloud-config")).text)).toBe(true);
  });

  it("describes the answers of the inventory", async () => {
    const machines = { path: "/v1/machines", method: "post" };
    const power = { driver: "redfish", url: "https://bmc/", username: "a", password: "b" };
    const hardware = { cpus: 1, memoryMiB: 1024, disks: [{ name: "sda", sizeGiB: 1.5 }], nics: [] };
    const created = await server.request("/v1/machines", { body: { macs: ["52:54:00:aa:00:01"], power, hardware } });
    expect(violations(created, machines)).toBe("none");
    expect(violations(await server.request("/v1/machines", { body: { macs: [] } }), machines)).toBe("none");
    const { id } = created.body as { id: string };
    for (const [path, method, body] of [
      ["/v1/machines", "get"],
      ["/v1/machines/import", "post", { machines: [{ macs: ["52:54:00:aa:00:02"] }] }],
      ["/v1/machines/rules", "put", { rules: [{ macPrefix: "52" }] }],
      ["/v1/machines/rules", "get"],
      ["/v1/machines/{id}", "get"],
      ["/v1/machines/{id}", "patch", { labels: { rack: "r1" } }],
      ["/v1/machines/{id}/approve", "post"],
      ["/v1/machines/{id}/release", "post"],
      ["/v1/machines/{id}/refuse", "post"],
    ] as const) {
      const answer = await server.request(path.replace("{id}", id), { method: method.toUpperCase(), body });
      expect([path, violations(answer, { path, method })]).toEqual([path, "none"]);
    }
    const explained = await server.request("/v1/machines/explain?mac=52:54:00:aa:00:01");
    expect(violations(explained, { path: "/v1/machines/explain", method: "get" })).toBe("none");
  });

  it("describes the events that are sent", async () => {
    const operation = document.paths["/v1/clusters/{id}/events"]!["get"]!;
    const validate = compile(operation.responses["200"], "text/event-stream");
    const events = await server.events(cluster.id);
    expect(events.length).toBeGreaterThan(4);
    for (const event of events) expect([validate(event), validate.errors]).toEqual([true, null]);
    expect(validate({ ...events[0], state: "up" })).toBe(false);
  });

  it.each([
    ["/v1/clusters", { nodes: 3, provider: "fake" }, { nodes: 3, provider: "fake", size: "large" }],
    ["/v1/clusters", { controlPlanes: 3, workers: 2, provider: "fake" }, { controlPlanes: "3", provider: "fake" }],
    ["/v1/clusters", { nodes: 1, provider: "fake", name: "a-1" }, { nodes: 1, provider: "fake", name: "A" }],
    [
      "/node/v1/claim",
      { allocation: "a-aaaaaaaaaaaaaaaa", hardware: { macs: ["52:54:00:12:34:56"] } },
      { allocation: "a-aaaaaaaaaaaaaaaa", hardware: { macs: [] } },
    ],
    [
      "/node/v1/reports",
      { allocation: "a-aaaaaaaaaaaaaaaa", sequence: 1, phase: "verify", state: "done" },
      { allocation: "a-aaaaaaaaaaaaaaaa", sequence: 0, phase: "verify", state: "done" },
    ],
  ])("accepts and refuses the same bodies of POST %s as the server (%#)", (path, good, bad) => {
    const validate = compile(document.paths[path]!["post"]!.requestBody);
    expect([validate(good), validate.errors]).toEqual([true, null]);
    expect(validate(bad)).toBe(false);
  });
});
