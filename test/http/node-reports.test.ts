import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestCluster, type TestMachine } from "../fixtures/test-machine.ts";
import { refusal, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;
let first: TestMachine;
let worker: TestMachine;

beforeEach(async () => {
  ({ server, cluster, first, worker } = await createTestCluster());
});
afterEach(() => server.close());

const current = () => server.cluster(cluster.id);
const member = async (index: number) => (await current()).members[index]!;

describe("POST /node/v1/reports", () => {
  it("records each step on the member and on the timeline", async () => {
    await worker.metadata();
    await worker.report("claim", "started");
    server.clock.advance(40);
    await worker.report("claim", "done", { durationMs: 38 });
    await worker.report("kubelet", "started");
    expect(await member(1)).toMatchObject({
      phase: "kubelet",
      phases: [
        { phase: "claim", state: "done", at: "2026-01-02T03:04:05.040Z", durationMs: 38 },
        { phase: "kubelet", state: "started", at: "2026-01-02T03:04:05.040Z" },
      ],
      lastReportAt: "2026-01-02T03:04:05.040Z",
    });
    const steps = (await server.events(cluster.id)).filter((event) => event.type === "phase");
    expect(steps.map(({ phase, state }) => `${phase} ${state}`)).toEqual([
      "claim started",
      "claim done",
      "kubelet started",
    ]);
  });

  it("accepts a repeated or older sequence without a change", async () => {
    await worker.report("claim", "started", { sequence: 7 });
    const before = await server.dump();
    await worker.report("claim", "failed", { sequence: 7, error: "again" });
    await worker.report("claim", "failed", { sequence: 3, error: "late" });
    expect(await server.dump()).toEqual(before);
  });

  it("accepts the next sequence after a gap", async () => {
    await worker.report("claim", "started", { sequence: 1 });
    await worker.report("kubelet", "done", { sequence: 9 });
    expect((await member(1)).phase).toBe("kubelet");
  });

  it("keeps a member's first error, and adds the exit code when it comes", async () => {
    await worker.report("render", "failed", { error: "the first", logTail: "tail" });
    await worker.report("kubelet", "failed", { error: "the second", exitCode: 4 });
    expect((await member(1)).failure).toEqual({ phase: "render", error: "the first", logTail: "tail", exitCode: 4 });
    expect((await current()).state).toBe("provisioning");
  });
});

describe("POST /node/v1/reports of the first control plane", () => {
  it("refuses the proof before the credentials are confirmed", async () => {
    await first.metadata();
    await first.claim();
    for (const phase of ["verify", "available"] as const)
      expect(refusal(await first.postReport({ phase, state: "done" }))).toBe("403 wrong-machine");
    expect((await current()).state).toBe("bootstrapping");
    await first.confirm();
    await first.report("verify", "done");
    expect((await current()).state).toBe("ready");
  });

  it("makes the cluster and every member ready with the proof", async () => {
    await first.metadata();
    server.clock.advance(7500);
    await bringUp(server, cluster);
    const ready = await current();
    expect(ready).toMatchObject({
      state: "ready",
      readyAt: "2026-01-02T03:04:12.500Z",
      availableAt: null,
      failure: null,
    });
    expect(ready.members.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
    const events = await server.events(cluster.id);
    expect(events.slice(-4)).toMatchObject([
      { type: "member", member: first.name, state: "ready" },
      { type: "member", member: worker.name, state: "ready" },
      { type: "member", state: "ready" },
      { type: "cluster", state: "ready" },
    ]);
    expect((await server.request("/metrics")).text).toContain("sprout_bring_up_seconds_sum 7.5");
  });

  it("makes the cluster available later, and keeps it ready after a failed probe", async () => {
    const machines = await bringUp(server, cluster);
    await machines[0]!.report("available", "failed", { error: "no answer on node02" });
    expect(await current()).toMatchObject({ state: "ready", availableAt: null, failure: null });
    server.clock.advance(900);
    await machines[0]!.report("available", "done");
    expect(await current()).toMatchObject({ state: "ready", availableAt: "2026-01-02T03:04:05.900Z" });
  });

  it("fails the cluster and names every missing peer with its last phase", async () => {
    await first.metadata();
    const missing = [
      { name: worker.name, lastPhase: "kubelet", lastReportAgoMs: 12_400 },
      { name: "node02.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null },
    ];
    await first.report("verify", "failed", { error: "2 peers missing", missing, exitCode: 1 });
    expect(await current()).toMatchObject({
      state: "failed",
      failedAt: "2026-01-02T03:04:05.000Z",
      failure: {
        message: `Peers missing at the deadline: ${worker.name} (last phase kubelet, 12 s ago), node02.build126.sprout.internal (never called)`,
        missing,
      },
    });
  });

  it("names blocked pairs next to the missing peers, whichever node found them", async () => {
    await first.metadata();
    await worker.report("peers", "failed", { error: "node01 10.77.0.12 cannot reach cp01 10.77.0.11 port 6443/tcp" });
    const missing = [{ name: worker.name, lastPhase: "claim", lastReportAgoMs: 12_400 }];
    await first.report("verify", "failed", { error: "1 peer missing", missing, exitCode: 1 });
    expect((await current()).failure).toEqual({
      message: `Peers missing at the deadline: ${worker.name} (last phase claim, 12 s ago); blocked: node01 10.77.0.12 cannot reach cp01 10.77.0.11 port 6443/tcp`,
      missing,
    });
  });

  it("fails neither the node nor the cluster for a blocked pair", async () => {
    await first.metadata();
    await first.report("kubelet", "started");
    await first.report("peers", "failed", { error: "cp01 cannot reach node01" });
    expect(await current()).toMatchObject({ state: "bootstrapping", failure: null });
    expect(await member(0)).toMatchObject({
      state: "bootstrapping",
      failure: null,
      phase: "kubelet",
      phases: [{ phase: "kubelet" }, { phase: "peers", state: "failed", error: "cp01 cannot reach node01" }],
    });
  });

  it("fails the cluster with any step that fails", async () => {
    await first.metadata();
    await first.report("static-pods", "failed", { error: "kubeadm: exit code 1", exitCode: 4 });
    expect(await current()).toMatchObject({
      state: "failed",
      failure: { message: `${first.name} failed in phase static-pods: kubeadm: exit code 1` },
    });
  });

  it("never makes a failed cluster ready", async () => {
    await first.metadata();
    await first.claim();
    await first.confirm();
    await first.report("kubelet", "failed", { error: "exit code 255" });
    await first.report("verify", "done");
    await first.report("available", "done");
    expect(await current()).toMatchObject({ state: "failed", readyAt: null, availableAt: null });
  });
});

describe("POST /node/v1/reports of any other node", () => {
  it("never changes the cluster's state", async () => {
    await first.metadata();
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    await worker.report("verify", "done");
    expect((await current()).state).toBe("bootstrapping");
    await worker.report("kubelet", "failed", { error: "kubelet: exit code 255" });
    expect((await current()).state).toBe("bootstrapping");
    expect((await member(1)).state).toBe("failed");
  });
});
