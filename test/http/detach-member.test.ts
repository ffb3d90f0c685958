import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enforceDeadlines } from "../../metadata-server/clusters/deadlines.ts";
import { reconcile } from "../../metadata-server/clusters/reconcile.ts";
import { createDetachableCluster, type DetachableCluster, fullName } from "../fixtures/detachable-cluster.ts";
import { createTestMachine } from "../fixtures/test-machine.ts";
import { refusal } from "../fixtures/test-server.ts";

let on: DetachableCluster;
beforeEach(async () => {
  on = await createDetachableCluster();
});
afterEach(() => on.close());
const evictions = () => on.kubernetes.calls.filter((call) => call.endsWith("/eviction"));

describe("DELETE /v1/clusters/{id}/members/{name}", () => {
  it("drains the node, terminates its machine, deletes its Node, and forgets the member with all its secrets", async () => {
    for (const name of ["web-1", "web-2"]) on.kubernetes.pods.set(name, { node: fullName("node02") });
    on.kubernetes.pods.set("web-3", { node: fullName("node01") });
    const answer = await on.detach("node02");
    expect(answer.members.map(({ state }) => state)).toEqual(["ready", "ready", "detaching"]);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    expect([...on.kubernetes.pods.keys()]).toEqual(["web-3"]);
    expect([...on.kubernetes.nodes.keys()]).toEqual([fullName("cp01"), fullName("node01")]);
    expect(on.server.provider.running.has(on.allocationOf("node02"))).toBe(false);
    expect(
      await on.server.clusters.store.secret({ clusterId: on.cluster.id, member: fullName("node02") }),
    ).toBeUndefined();
    expect((await on.server.clusters.store.cluster(on.cluster.id))?.nodes).toBe(2);
    expect((await on.messages()).slice(-3)).toEqual(["Draining for 300 s at most", "Drained", "Detached"]);
    const [entry] = (await on.server.clusters.store.audit({ after: 0, limit: 1000 })).slice(-1);
    expect(entry).toMatchObject({ action: "member-detach", actor: "api", member: fullName("node02") });
  });

  it("evicts neither static pods, pods of DaemonSets nor pods that have ended, and waits for none of them", async () => {
    const node = fullName("node02");
    on.kubernetes.pods.set("static", { node, isStatic: true });
    on.kubernetes.pods.set("proxy", { node, kind: "DaemonSet" });
    on.kubernetes.pods.set("job", { node, kind: "Job", phase: "Succeeded" });
    await on.detach("node02");
    expect(evictions()).toEqual([]);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
  });

  it("finds pods behind pages of those that stay", async () => {
    const node = fullName("node02");
    for (let index = 0; index < 120; index += 1) on.kubernetes.pods.set(`proxy-${index}`, { node, kind: "DaemonSet" });
    on.kubernetes.pods.set("web-1", { node });
    await on.detach("node02");
    expect(evictions()).toEqual(["POST /api/v1/namespaces/default/pods/web-1/eviction"]);
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
  });

  it("keeps the member and uncordons its node if a budget keeps a pod until the time is up", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node02") });
    on.refuseEvictions();
    await on.detach("node02", "?drainTimeoutSeconds=10");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
    expect(on.kubernetes.nodes.get(fullName("node02"))).toEqual({ isReady: true, isCordoned: false });
    expect(on.server.provider.running.size).toBe(3);
    expect((await on.memberOf("node02"))?.detachFailure?.error).toBe(
      `Cannot drain ${fullName("node02")} in time: pod default/web-1 (The disruption budget web needs 1 healthy pods and has 1); the member stays. Detach it with more time, or with force`,
    );
    expect(evictions().length).toBeGreaterThan(5);
  });

  it("removes the member with its pods when the time is up, with force", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node02") });
    on.refuseEvictions();
    await on.detach("node02", "?drainTimeoutSeconds=3&force=true");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    expect(await on.messages()).toContain(
      "Not drained, but forced: pod default/web-1 (The disruption budget web needs 1 healthy pods and has 1)",
    );
  });

  it("takes more time or force from a second request while it drains", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node02") });
    on.refuseEvictions();
    await on.request("node02", "?drainTimeoutSeconds=3600");
    while (on.server.clock.pending() === 0) await new Promise(setImmediate);
    await on.detach("node02", "?drainTimeoutSeconds=0&force=true");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
  });

  it("does not wait for pods to end on a node that is not Ready", async () => {
    on.kubernetes.nodes.set(fullName("node02"), { isReady: false, isCordoned: false });
    on.kubernetes.pods.set("web-1", { node: fullName("node02"), isEnding: true });
    await on.detach("node02");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
  });

  it("asks an API that is out of reach again until the time is up, and says so", async () => {
    let failures = 3;
    on.kubernetes.fault = () => {
      failures -= 1;
      if (failures >= 0) throw new Error("Cannot reach the cluster's API: connect ECONNREFUSED");
      return undefined;
    };
    await on.detach("node02");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    on.kubernetes.fault = () => {
      throw new Error("Cannot reach the cluster's API: connect ECONNREFUSED");
    };
    await on.detach("node01", "?drainTimeoutSeconds=5");
    expect((await on.memberOf("node01"))?.detachFailure?.error).toContain("connect ECONNREFUSED; the member stays");
  });

  it.each([
    ["while it drains", (call: string) => call.endsWith("/eviction")],
    ["before the Node is deleted", (call: string) => call.startsWith("DELETE /api/v1/nodes/")],
  ])("resumes after a crash of the server %s", async (_, isCrash) => {
    on.kubernetes.pods.set("web-1", { node: fullName("node02") });
    const crashed = new AbortController();
    on.kubernetes.fault = ({ method, path }) => {
      if (isCrash(`${method} ${path}`)) {
        crashed.abort();
        throw new Error("killed");
      }
      return undefined;
    };
    await on.request("node02");
    while (!crashed.signal.aborted) await on.tick();
    await on.restart();
    on.kubernetes.fault = () => undefined;
    await reconcile(on.server.clusters);
    await on.settle();
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    expect([...on.server.provider.running.keys()]).not.toContain(on.allocationOf("node02"));
    expect(on.kubernetes.nodes.has(fullName("node02"))).toBe(false);
  });

  it("retries until the provider has terminated the machine, and says so on the timeline", async () => {
    let failures = 2;
    on.server.provider.fault = (operation) => {
      failures -= operation === "terminate" ? 1 : 0;
      if (operation === "terminate" && failures >= 0) throw new Error("bridge is busy");
    };
    await on.detach("node02");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready"]);
    expect(await on.messages()).toContain(`Cannot detach ${fullName("node02")}: bridge is busy; retrying in 1 s`);
  });

  it("gives a later worker another name, and the free pod subnet again", async () => {
    await on.detach("node02");
    await on.server.request(`/v1/clusters/${on.cluster.id}/members`, { body: { workers: 1 } });
    await on.settle();
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node03 launched"]);
    expect(await on.memberOf("node03")).toMatchObject({ podCidr: "10.244.2.0/24", address: "10.77.0.13" });
  });

  it("counts its members no longer when it leaves for good: their tokens are unknown", async () => {
    const machine = createTestMachine(on.server, on.cluster, 2);
    await on.detach("node02");
    expect((await machine.getMetadata()).status).toBe(403);
  });

  it("ends with the cluster when that is deleted meanwhile", async () => {
    on.kubernetes.pods.set("web-1", { node: fullName("node02") });
    on.refuseEvictions();
    await on.request("node02");
    await on.server.request(`/v1/clusters/${on.cluster.id}`, { method: "DELETE" });
    await on.settle();
    expect((await on.server.cluster(on.cluster.id)).state).toBe("deleted");
    expect(on.server.provider.running.size).toBe(0);
  });

  it("refuses a member that is unknown, still joins or belongs to a cluster that is not ready", async () => {
    expect(refusal(await on.request("node09"))).toBe("404 not-found");
    await on.server.request(`/v1/clusters/${on.cluster.id}/members`, { body: { workers: 1 } });
    await on.settle();
    expect(refusal(await on.request("node03"))).toBe("409 wrong-state");
    const young = await on.server.create({ name: "young" });
    const path = `/v1/clusters/${young.id}/members/node01.young.sprout.internal`;
    expect(refusal(await on.server.request(path, { method: "DELETE" }))).toBe("409 not-ready");
  });

  it("detaches a worker that failed because it was late", async () => {
    await on.server.request(`/v1/clusters/${on.cluster.id}/members`, { body: { workers: 1 } });
    await on.server.clusters.background.idle();
    on.server.clock.advance(600_000);
    await enforceDeadlines(on.server.clusters);
    expect(await on.states()).toContain("node03 failed");
    await on.detach("node03");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
  });

  it.each(["?force=yes", "?drainTimeoutSeconds=-1", "?drainTimeoutSeconds=3601", "?drain=no"])(
    "refuses the query %s",
    async (query) => {
      expect(refusal(await on.request("node02", query))).toBe("400 invalid-request");
      expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
    },
  );
});
