import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { Cluster, ClusterList } from "#api/cluster.ts";
import { bringUp } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const post = (body: object, headers: Record<string, string> = {}) => server.request("/v1/clusters", { body, headers });
const idOf = (answer: { body: unknown }) => Cluster.parse(answer.body).id;

describe("POST /v1/clusters", () => {
  it("plans the cluster and answers before its machines exist", async () => {
    const answer = await post({
      name: "build126",
      nodes: 4,
      provider: "fake",
      ttlSeconds: 86_400,
      labels: { team: "ci" },
    });
    expect(answer.status).toBe(202);
    const cluster = Cluster.parse(answer.body);
    expect(answer.headers.get("location")).toBe(`/v1/clusters/${cluster.id}`);
    expect(cluster).toMatchObject({
      name: "build126",
      state: "pending",
      kubernetesVersion: defaultKubernetesVersion,
      endpoint: "api.build126.sprout.internal:6443",
      labels: { team: "ci" },
      deadlineSeconds: 180,
      failedTtlSeconds: 900,
      createdAt: "2026-01-02T03:04:05.000Z",
      expiresAt: "2026-01-03T03:04:05.000Z",
    });
    expect(cluster.members.map(({ name, role, address, podCidr }) => [name, role, address, podCidr])).toEqual([
      ["cp01.build126.sprout.internal", "control-plane", "10.77.0.11", "10.244.0.0/24"],
      ["node01.build126.sprout.internal", "worker", "10.77.0.12", "10.244.1.0/24"],
      ["node02.build126.sprout.internal", "worker", "10.77.0.13", "10.244.2.0/24"],
      ["node03.build126.sprout.internal", "worker", "10.77.0.14", "10.244.3.0/24"],
    ]);
  });

  it("launches every machine with a seed of its own", async () => {
    const cluster = await server.create();
    expect(cluster.state).toBe("provisioning");
    expect(cluster.members.map(({ state }) => state)).toEqual(["launched", "launched", "launched"]);
    const seeds = [...server.provider.launched.values()].map(({ seed }) => seed);
    expect(new Set(seeds.map(({ capability }) => capability)).size).toBe(3);
    expect(seeds[0]).toMatchObject({
      server: "https://10.77.255.254:8443",
      mac: "52:54:00:00:00:00",
      address: "10.77.0.11",
    });
  });

  it("invents a name if none is given", async () => {
    const cluster = Cluster.parse((await post({ nodes: 1, provider: "fake" })).body);
    expect(cluster.name).toMatch(/^k[a-z2-7]{7}$/);
    expect(cluster.members[0]?.name).toBe(`cp01.${cluster.name}.sprout.internal`);
  });

  it("returns the same cluster for the same Idempotency-Key, also in parallel and after a restart", async () => {
    const body = { name: "once", nodes: 2, provider: "fake" };
    const key = { "idempotency-key": "job-4711" };
    const answers = await Promise.all([post(body, key), post(body, key), post(body, key)]);
    expect(new Set(answers.map(idOf)).size).toBe(1);
    await server.clusters.background.idle();
    expect(server.provider.segments.size).toBe(1);
    const restarted = await server.restart();
    const again = await restarted.request("/v1/clusters", { body, headers: key });
    expect(idOf(again)).toBe(idOf(answers[0]));
    await restarted.clusters.background.close();
  });

  it("fails the cluster with the reason if a machine cannot be launched", async () => {
    server.provider.fault = (operation, name) => {
      if (operation === "launch" && name.startsWith("node01")) throw new Error("No space left on device");
    };
    const cluster = await server.create();
    expect(cluster).toMatchObject({
      state: "failed",
      failure: { message: "Cannot launch node01.build126.sprout.internal: No space left on device" },
    });
    expect(cluster.members[1]).toMatchObject({
      state: "failed",
      failure: { phase: "launch", error: "No space left on device" },
    });
    expect(cluster.members[2]?.state).toBe("launched");
  });
});

describe("GET /v1/clusters", () => {
  it("lists clusters newest first, page by page, deleted ones only on request", async () => {
    const ids: string[] = [];
    for (const name of ["one", "two", "three"]) {
      ids.push(idOf(await post({ name, nodes: 1, provider: "fake" })));
      server.clock.advance(1000);
    }
    await server.request(`/v1/clusters/${ids[1]}`, { method: "DELETE" });
    await server.clusters.background.idle();
    const list = async (query: string) => ClusterList.parse((await server.request(`/v1/clusters?${query}`)).body);
    const page = await list("limit=1");
    expect(page).toMatchObject({ clusters: [{ name: "three", nodes: 1 }], next: ids[2] });
    expect(await list(`limit=1&after=${page.next}`)).toMatchObject({ clusters: [{ name: "one" }], next: null });
    expect((await list("state=deleted")).clusters.map(({ name }) => name)).toEqual(["two"]);
    expect((await list("name=one")).clusters.map(({ id }) => id)).toEqual([ids[0]]);
  });
});

describe("GET /v1/clusters/:id", () => {
  it("waits until the cluster is ready", async () => {
    const cluster = await server.create();
    const waiting = server.request(`/v1/clusters/${cluster.id}?wait=ready`);
    await bringUp(server, cluster);
    expect((await waiting).body).toMatchObject({ state: "ready" });
    expect(server.clock.pending()).toBe(0);
  });

  it("returns the present state after the timeout, and at once if waiting cannot help", async () => {
    const cluster = await server.create();
    const waiting = server.request(`/v1/clusters/${cluster.id}?wait=ready&timeout=30`);
    while (server.clock.pending() === 0) await new Promise(setImmediate);
    server.clock.advance(30_000);
    expect((await waiting).body).toMatchObject({ state: "provisioning" });
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    const never = await server.request(`/v1/clusters/${cluster.id}?wait=available`);
    expect((never.body as Cluster).state).toMatch(/^delet/);
    expect((await server.request(`/v1/clusters/${cluster.id}?wait=deleted`)).body).toMatchObject({ state: "deleted" });
  });
});

describe("GET /v1/clusters/:id?wait=available", () => {
  it("returns the cluster when the proof has failed, with the reason", async () => {
    const cluster = await server.create();
    const waiting = server.request(`/v1/clusters/${cluster.id}?wait=available`);
    const [first] = await bringUp(server, cluster);
    await first!.report("available", "failed", { error: "no answer on node02" });
    const answer = (await waiting).body as Cluster;
    expect(answer).toMatchObject({ state: "ready", availableAt: null });
    expect(answer.members[0]?.phases).toContainEqual(
      expect.objectContaining({ phase: "available", state: "failed", error: "no answer on node02" }),
    );
    expect(server.clock.pending()).toBe(0);
  });
});

describe("GET /v1/clusters/:id/kubeconfig", () => {
  it("mints a short-lived certificate for each request, and records it on the timeline", async () => {
    const cluster = await server.create();
    await bringUp(server, cluster);
    const path = `/v1/clusters/${cluster.id}/kubeconfig?ttlSeconds=600`;
    const answer = await server.request(path);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const kubeconfig = parse(answer.text) as {
      clusters: { cluster: { server: string } }[];
      users: { user: { "client-certificate-data": string } }[];
    };
    expect(kubeconfig.clusters[0]?.cluster.server).toBe("https://10.77.0.11:6443");
    const pem = Buffer.from(kubeconfig.users[0]!.user["client-certificate-data"], "base64");
    expect(new X509Certificate(pem).validToDate).toEqual(new Date(server.clock.now() + 600_000));
    expect((await server.request(path)).text).not.toBe(answer.text);
    const messages = (await server.events(cluster.id)).flatMap((event) => ("message" in event ? [event.message] : []));
    expect(messages).toEqual(["Kubeconfig issued for 600 s", "Kubeconfig issued for 600 s"]);
  });

  it("refuses before the cluster is ready and after it is deleted", async () => {
    const cluster = await server.create();
    const path = `/v1/clusters/${cluster.id}/kubeconfig`;
    expect(problemOf(await server.request(path), "409 not-ready").detail).toBe(
      "Cluster build126 is provisioning; a kubeconfig is issued once it is ready",
    );
    await bringUp(server, cluster);
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    expect(refusal(await server.request(path))).toBe("409 not-ready");
  });
});

describe("DELETE /v1/clusters/:id", () => {
  it("wipes the secrets at once, then terminates the machines and frees the network", async () => {
    const cluster = await server.create();
    const answer = await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    expect([answer.status, Cluster.parse(answer.body).state]).toEqual([202, "deleting"]);
    expect((await server.clusters.store.cluster(cluster.id))?.sealedDataKey).toBeNull();
    await server.clusters.background.idle();
    expect([server.provider.running.size, server.provider.segments.size]).toEqual([0, 0]);
    const deleted = await server.cluster(cluster.id);
    expect(deleted.state).toBe("deleted");
    expect(deleted.members.map(({ state }) => state)).toEqual(["deleted", "deleted", "deleted"]);
    for (const member of [null, ...cluster.members.map(({ name }) => name)])
      expect(await server.clusters.store.secret({ clusterId: cluster.id, member })).toBeUndefined();
  });

  it("changes nothing if it is repeated, and frees the name", async () => {
    const cluster = await server.create();
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    const before = await server.events(cluster.id);
    const again = await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    expect([again.status, Cluster.parse(again.body).state]).toEqual([202, "deleted"]);
    expect(await server.events(cluster.id)).toEqual(before);
    expect((await server.create()).id).not.toBe(cluster.id);
  });
});
