import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, refusal, type RequestOptions, type TestServer } from "../fixtures/test-server.ts";
import { enforceDeadlines } from "../../metadata-server/clusters/deadlines.ts";
import { reconcile } from "../../metadata-server/clusters/reconcile.ts";

let server: TestServer;
let cluster: Cluster;

beforeEach(async () => {
  server = await createTestServer();
  cluster = await server.create();
  await bringUp(server, cluster);
});
afterEach(() => server.close());

const post = (body: unknown, options: RequestOptions = {}) =>
  server.request(`/v1/clusters/${cluster.id}/members`, { method: "POST", body, ...options });
async function attach(workers: number, options: RequestOptions = {}): Promise<Cluster> {
  const answer = await post({ workers }, options);
  expect(answer.status).toBe(202);
  await server.clusters.background.idle();
  return answer.body as Cluster;
}
const states = async () =>
  (await server.cluster(cluster.id)).members.map(({ name, state }) => `${name.split(".")[0]} ${state}`);
/** As a crash: the answer never arrives. */
const killed = () => new Promise<void>((_, reject) => setImmediate(() => reject(new Error("killed"))));
const before = ["cp01 ready", "node01 ready", "node02 ready"];

/** Drives an attached machine to its own proof. */
async function join(attached: Cluster, index: number) {
  const machine = createTestMachine(server, attached, index);
  const metadata = await machine.metadata();
  await machine.claim();
  await machine.confirm();
  await machine.report("verify", "done");
  return { machine, metadata };
}

describe("POST /v1/clusters/{id}/members", () => {
  it("starts workers with names, addresses and pod subnets of their own, which become ready one by one", async () => {
    const attached = await attach(2);
    expect(attached.members.slice(3)).toMatchObject([
      { name: "node03.build126.sprout.internal", address: "10.77.0.14", podCidr: "10.244.3.0/24", state: "pending" },
      { name: "node04.build126.sprout.internal", address: "10.77.0.15", podCidr: "10.244.4.0/24", state: "pending" },
    ]);
    expect(await states()).toEqual([...before, "node03 launched", "node04 launched"]);
    const { metadata } = await join(attached, 4);
    expect(metadata).toMatchObject({ deadlineSeconds: 180, join: "certificate" });
    expect(await states()).toEqual([...before, "node03 launched", "node04 ready"]);
    await join(attached, 3);
    expect(await states()).toEqual([...before, "node03 ready", "node04 ready"]);
    expect(await server.cluster(cluster.id)).toMatchObject({ state: "ready", readyAt: attached.readyAt });
    const messages = (await server.events(cluster.id)).flatMap((event) => ("message" in event ? event.message : []));
    expect(messages).toContain("Attaching node03.build126.sprout.internal, node04.build126.sprout.internal");
  });

  it("gives two requests at once different names, addresses and subnets", async () => {
    const answers = await Promise.all([post({ workers: 3 }), post({ workers: 2 })]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    const { members } = await server.cluster(cluster.id);
    expect(members).toHaveLength(8);
    for (const of of ["name", "address", "podCidr", "allocation"] as const)
      expect(new Set(members.map((member) => member[of])).size).toBe(8);
    await server.clusters.background.idle();
    expect(server.provider.running.size).toBe(8);
  });

  it("attaches once for requests with the same Idempotency-Key, and refuses another request with it", async () => {
    const headers = { "idempotency-key": "grow" };
    const first = await attach(1, { headers });
    expect(await attach(1, { headers })).toMatchObject({ members: first.members.map(({ name }) => ({ name })) });
    expect(refusal(await post({ workers: 2 }, { headers }))).toBe("422 idempotency-key-reused");
    expect(await states()).toHaveLength(4);
  });

  it("refuses a cluster that is not ready or does not exist", async () => {
    const young = await server.create({ name: "young" });
    const answer = await server.request(`/v1/clusters/${young.id}/members`, { method: "POST", body: { workers: 1 } });
    expect(refusal(answer)).toBe("409 not-ready");
    const missing = await server.request("/v1/clusters/c-zzzzzzzzzzzzzzzz/members", {
      method: "POST",
      body: { workers: 1 },
    });
    expect(refusal(missing)).toBe("404 not-found");
  });

  it("refuses no nodes, more than the cluster may have, and machines that this provider does not choose", async () => {
    const bodies = [
      {},
      { workers: 0 },
      { controlPlanes: 0 },
      { workers: 1, controlPlanes: 7 },
      { workers: 1, machines: {} },
      { workers: 4998 },
    ];
    for (const body of bodies) expect((await post(body)).status).toBe(400);
    expect(await states()).toEqual(before);
    expect(server.provider.running.size).toBe(3);
  });

  it("fails only the worker whose launch fails, and does not launch it after a restart", async () => {
    server.provider.fault = (operation, name) => {
      if (operation === "launch" && name.startsWith("node03")) throw new Error("out of memory");
    };
    await attach(2);
    expect(await states()).toEqual([...before, "node03 failed", "node04 launched"]);
    expect(await server.cluster(cluster.id)).toMatchObject({ state: "ready", failure: null });
    server = await server.restart();
    server.provider.fault = () => undefined;
    await reconcile(server.clusters);
    await server.clusters.background.idle();
    expect([...server.provider.launched.keys()]).not.toContain("node03.build126.sprout.internal");
    expect(await states()).toEqual([...before, "node03 failed", "node04 launched"]);
  });

  it("fails a worker that is not Ready in time, says so on the timeline, and keeps the cluster ready", async () => {
    const attached = await attach(2);
    await join(attached, 3);
    server.clock.advance(30_000 + 180_000 + 9_000);
    await enforceDeadlines(server.clusters);
    expect(await states()).toEqual([...before, "node03 ready", "node04 launched"]);
    server.clock.advance(1000);
    await enforceDeadlines(server.clusters);
    expect(await states()).toEqual([...before, "node03 ready", "node04 failed"]);
    const { state, members } = await server.cluster(cluster.id);
    expect(state).toBe("ready");
    expect(members[4]?.failure).toMatchObject({
      phase: "launch",
      error: "Not a Ready node in time: node04.build126.sprout.internal (never called)",
    });
    const { length } = await server.events(cluster.id);
    await enforceDeadlines(server.clusters);
    expect(await server.events(cluster.id)).toHaveLength(length);
  });

  it("gives workers that are attached later their own time", async () => {
    await attach(1);
    server.clock.advance(100_000);
    await attach(1);
    server.clock.advance(120_000);
    await enforceDeadlines(server.clusters);
    expect(await states()).toEqual([...before, "node03 failed", "node04 launched"]);
    server.clock.advance(100_000);
    await enforceDeadlines(server.clusters);
    expect(await states()).toEqual([...before, "node03 failed", "node04 failed"]);
  });

  it("launches attached workers after a restart, whose launch a crash interrupted", async () => {
    server.provider.fault = (operation) => (operation === "launch" ? killed() : undefined);
    const { background } = server.clusters;
    expect((await post({ workers: 1 })).status).toBe(202);
    await background.close();
    server = await server.restart();
    server.provider.fault = () => undefined;
    await reconcile(server.clusters);
    await server.clusters.background.idle();
    expect(await states()).toEqual([...before, "node03 launched"]);
  });

  it("terminates attached machines with the cluster", async () => {
    await attach(2);
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect(server.provider.running.size).toBe(0);
  });
});
