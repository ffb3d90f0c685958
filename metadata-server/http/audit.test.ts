import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditEntry, AuditPage } from "#api/audit.ts";
import { bringUp, createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, refusal, type RequestOptions, type TestServer } from "../../test/fixtures/test-server.ts";
import { enforceDeadlines } from "../clusters/deadlines.ts";
import { watchCounts } from "../clusters/refusals.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const auditOf = async (query = "") => AuditPage.parse((await server.request(`/v1/audit${query}`)).body);
/** Lines of `action outcome actor from member detail`, without the domain of node names. */
const lines = async () =>
  (await auditOf()).entries.map(({ action, outcome, actor, from, member, detail }) =>
    [action, outcome, actor, from, member, detail]
      .filter(Boolean)
      .join(" ")
      .replaceAll(".build126.sprout.internal", ""),
  );

describe("The audit log", () => {
  it("records every use of a token, claim and kubeconfig in a cluster's life, once each", async () => {
    const cluster = await server.create({ nodes: 2, ttlSeconds: 3600 });
    await bringUp(server, cluster);
    const from = "198.51.100.7";
    await server.request(`/v1/clusters/${cluster.id}/kubeconfig?ttlSeconds=60`, { from });
    await server.request(`/v1/clusters/${cluster.id}`, { method: "PATCH", body: { ttlSeconds: 60 }, from });
    server.clock.advance(60_000);
    await enforceDeadlines(server.clusters);
    await server.clusters.background.idle();
    expect(await lines()).toEqual([
      "cluster-create allowed api 192.0.2.1",
      "capability-use allowed node cp01 192.0.2.1 cp01 bound to MAC 52:54:00:00:00:00",
      "claim allowed node cp01 192.0.2.1 cp01",
      "confirm allowed node cp01 192.0.2.1 cp01",
      "report-token-use allowed node cp01 192.0.2.1 cp01",
      "capability-use allowed node node01 192.0.2.1 node01 bound to MAC 52:54:00:00:00:01",
      "claim allowed node node01 192.0.2.1 node01",
      "confirm allowed node node01 192.0.2.1 node01",
      "report-token-use allowed node node01 192.0.2.1 node01",
      "kubeconfig-issue allowed api 198.51.100.7 Kubeconfig issued for 60 s",
      "cluster-extend allowed api 198.51.100.7 Time to live now ends at 2026-01-02T03:05:05.000Z",
      "cluster-delete allowed sprout Its time to live has ended",
    ]);
    const { entries } = await auditOf();
    expect(new Set(entries.map(({ clusterId }) => clusterId))).toEqual(new Set([cluster.id]));
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
  });

  it("grows neither by polling nor by repeated requests", async () => {
    const cluster = await server.create();
    const machine = createTestMachine(server, cluster, 0);
    for (let poll = 0; poll < 20; poll += 1) await machine.metadata();
    await machine.claim();
    await machine.confirm();
    for (const phase of ["render", "kubelet", "network"] as const) await machine.report(phase, "done");
    const body = { name: "once", nodes: 1, provider: "fake" };
    for (let again = 0; again < 3; again += 1)
      await server.request("/v1/clusters", { body, headers: { "idempotency-key": "k" } });
    expect((await lines()).map((line) => line.split(" ")[0])).toEqual([
      "cluster-create",
      "capability-use",
      "claim",
      "confirm",
      "report-token-use",
      "cluster-create",
    ]);
  });

  it("records a second claim of the same machine as a repeated claim", async () => {
    const machine = createTestMachine(server, await server.create(), 1);
    await machine.claim();
    await machine.claim();
    expect((await lines()).slice(1)).toEqual([
      "capability-use allowed node node01 192.0.2.1 node01 bound to MAC 52:54:00:00:00:01",
      "claim allowed node node01 192.0.2.1 node01",
      "claim allowed node node01 192.0.2.1 node01 claim number 2",
    ]);
  });

  it("records who was refused what", async () => {
    const cluster = await server.create();
    const [worker, other] = [createTestMachine(server, cluster, 1), createTestMachine(server, cluster, 2)];
    await worker.claim();
    await worker.confirm();
    const before = (await auditOf()).entries.length;
    const from = "203.0.113.9";
    const refused: [string, RequestOptions, string][] = [
      ["/v1/clusters", { token: "guess", from }, "401 unauthorized"],
      [`/v1/clusters/${cluster.id}/kubeconfig`, { from: "192.0.2.8" }, "409 not-ready"],
      ["/node/v1/metadata?mac=52:54:00:00:00:00", { token: "x".repeat(43), from: "192.0.2.2" }, "403 wrong-machine"],
      ["/node/v1/metadata?mac=02:00:00:00:00:99", { token: other.capability, from }, "403 wrong-machine"],
      [`/node/v1/metadata?mac=${worker.mac}`, { token: worker.capability, from: "192.0.2.3" }, "409 already-claimed"],
    ];
    for (const [path, options, expected] of refused)
      expect(refusal(await server.request(path, options))).toBe(expected);
    await worker.postClaim();
    const spent = { allocation: worker.allocation, hardware: { macs: [worker.mac] } };
    await server.request("/node/v1/claim", { token: worker.capability, body: spent, from: "192.0.2.4" });
    const unknown = "This capability is unknown, or bound to another machine";
    expect((await lines()).slice(before)).toEqual([
      "refuse refused unknown 203.0.113.9 unauthorized: The API token is wrong; it is in the file token of the server's data directory",
      "refuse refused api 192.0.2.8 not-ready: Cluster build126 is provisioning; a kubeconfig is issued once it is ready",
      `refuse refused unknown 192.0.2.2 wrong-machine: ${unknown}`,
      "refuse refused unknown 203.0.113.9 node02 wrong-machine: Another machine showed the capability of node02 (MAC 02:00:00:00:00:99)",
      "refuse refused node node01 192.0.2.3 node01 already-claimed: Metadata of node01 was asked for again after its confirmation",
      `refuse refused unknown 192.0.2.1 node01 wrong-machine: ${unknown}`,
      "refuse refused node node01 192.0.2.4 node01 already-claimed: Credentials of node01 were claimed again after their confirmation",
    ]);
  });

  it("holds no token, key or capability", async () => {
    const machines = await bringUp(server, await server.create());
    await server.request("/v1/clusters", { token: "a-guessed-token" });
    const text = JSON.stringify(await auditOf());
    for (const { capability, token } of machines) {
      expect(text).not.toContain(capability);
      expect(text).not.toContain(token);
    }
    expect(text).not.toContain("a-guessed-token");
    expect(text).not.toContain("PRIVATE KEY");
  });

  it("keeps its entries during a flood of refusals, which it counts in one entry a minute", async () => {
    const cluster = await server.create();
    const refuse = (from: string) => server.request("/v1/clusters", { token: "guess", from });
    for (let time = 0; time < 50; time += 1) await refuse("203.0.113.9");
    await refuse("203.0.113.10");
    expect(await lines()).toHaveLength(1 + 5 + 1);
    const stop = new AbortController();
    const watching = watchCounts(server.clusters, stop.signal);
    while (server.clock.pending() === 0) await new Promise(setImmediate);
    server.clock.advance(60_000);
    while ((await lines()).length === 7) await new Promise(setImmediate);
    expect((await lines()).at(-1)).toMatch(
      /^refuse refused unknown 203\.0\.113\.9 45 more within 60 s, the last of them: /,
    );
    await refuse("203.0.113.9");
    expect(await lines()).toHaveLength(9);
    expect((await server.cluster(cluster.id)).state).not.toBe("deleted");
    stop.abort();
    await watching;
  });
});

describe("GET /v1/audit", () => {
  it("returns pages, and later continues after the last entry read", async () => {
    for (const name of ["one", "two", "three"]) await server.create({ name, nodes: 1 });
    const first = await auditOf("?limit=2");
    expect([first.entries.map(({ sequence }) => sequence), first.next]).toEqual([[1, 2], 2]);
    const second = await auditOf("?limit=2&after=2");
    expect([second.entries.map(({ sequence }) => sequence), second.next]).toEqual([[3], null]);
    expect(await auditOf("?after=3")).toEqual({ entries: [], next: null });
  });

  it("streams every entry as JSON lines", async () => {
    const audit = Array.from({ length: 2500 }, () => ({
      at: "2026-01-02T03:04:05.000Z",
      action: "cluster-create" as const,
      outcome: "allowed" as const,
      actor: "api",
      from: null,
      clusterId: null,
      member: null,
    }));
    await server.clusters.store.commit({ audit });
    const answer = await server.request("/v1/audit?after=100", { headers: { accept: "application/x-ndjson" } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    const entries = answer.text
      .trimEnd()
      .split("\n")
      .map((line) => AuditEntry.parse(JSON.parse(line)));
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2400 }, (_, index) => index + 101));
  });

  it.each(["?after=-1", "?after=x", "?limit=0", "?limit=1001", "?page=1"])("refuses %s", async (query) => {
    expect(refusal(await server.request(`/v1/audit${query}`))).toBe("400 invalid-request");
  });

  it("requires the API token", async () => {
    expect(refusal(await server.request("/v1/audit", { token: null }))).toBe("401 unauthorized");
  });
});
