import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createDetachableCluster, type DetachableCluster, fullName } from "../fixtures/detachable-cluster.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { problemOf, refusal } from "../fixtures/test-server.ts";
import { enforceDeadlines } from "../../metadata-server/clusters/deadlines.ts";

let on: DetachableCluster;
beforeEach(async () => {
  on = await createDetachableCluster({ controlPlanes: 3, workers: 1, nodes: undefined });
});
afterEach(() => on.close());

const post = (body: unknown) =>
  on.server.request(`/v1/clusters/${on.cluster.id}/members`, { method: "POST", body: body as object });
async function attach(body: unknown): Promise<Cluster> {
  const answer = await post(body);
  expect(answer.status).toBe(202);
  await on.server.clusters.background.idle();
  return answer.body as Cluster;
}
const machineOf = (attached: Cluster, name: string) =>
  createTestMachine(
    on.server,
    attached,
    attached.members.findIndex((member) => member.name === fullName(name)),
  );
/** Drives a machine to its own proof. */
async function join(machine: TestMachine) {
  const metadata = await machine.metadata();
  const credentials = await machine.claim();
  await machine.confirm();
  await machine.report("verify", "done");
  return { metadata, credentials };
}
const kubeconfig = async () => (await on.server.request(`/v1/clusters/${on.cluster.id}/kubeconfig`)).text;

describe("A control plane that is attached", () => {
  it("joins the etcd of those that are left, with a name that no other had, and serves once it is Ready", async () => {
    await on.detach("cp01");
    const attached = await attach({ controlPlanes: 1 });
    const cp04 = attached.members.find(({ name }) => name === fullName("cp04"))!;
    expect(cp04).toMatchObject({ role: "control-plane", state: "pending" });
    expect(await kubeconfig()).not.toContain(cp04.address);
    const { metadata, credentials } = await join(machineOf(attached, "cp04"));
    expect(metadata.initialClusterState).toBe("existing");
    expect(metadata.controlPlanes.map(({ name }) => name)).toEqual(["cp02", "cp03", "cp04"].map(fullName));
    expect(metadata.peers).toBeUndefined();
    expect(credentials.role).toBe("control-plane");
    expect(await on.states()).toEqual(["cp02 ready", "cp03 ready", "cp04 ready", "node01 ready"]);
    expect(await kubeconfig()).toContain(cp04.address);
  });

  it("waits for the control plane that joins before it, and gets its address", async () => {
    const attached = await attach({ controlPlanes: 2, workers: 1 });
    const [fourth, fifth] = [machineOf(attached, "cp04"), machineOf(attached, "cp05")];
    const first = fifth.getMetadata();
    while (on.server.clock.pending() === 0) await new Promise(setImmediate);
    on.server.clock.advance(170_000);
    expect(refusal(await first)).toContain("not-final");
    const waiting = fifth.metadata();
    await join(fourth);
    const { controlPlanes, deadlineSeconds } = await waiting;
    // Its turn comes late, and it has its whole time all the same.
    expect(deadlineSeconds).toBeGreaterThan(180);
    expect(controlPlanes.map(({ name }) => name)).toEqual(["cp01", "cp02", "cp03", "cp04", "cp05"].map(fullName));
    await join(fifth);
    const worker = await machineOf(attached, "node02").metadata();
    expect(worker.initialClusterState).toBeUndefined();
    expect(worker.controlPlanes).toHaveLength(5);
  });

  it("must make their number odd, and seven at most", async () => {
    expect(problemOf(await post({ controlPlanes: 1 }), "400 invalid-request").errors).toEqual([
      {
        pointer: "/controlPlanes",
        detail:
          "Expected a number with which build126 has an odd number of control planes, at most 7, got 1; it has 3 now",
      },
    ]);
    expect(refusal(await post({ controlPlanes: 6 }))).toBe("400 invalid-request");
    expect(on.server.provider.running.size).toBe(4);
  });

  it("cannot come while another joins, leaves, or has failed to join", async () => {
    const attached = await attach({ controlPlanes: 2 });
    const busy = problemOf(await post({ controlPlanes: 2 }), "409 wrong-state");
    expect(busy.detail).toBe(`Cannot attach control planes to build126 while ${fullName("cp04")} is joining`);
    const leaving = problemOf(await on.request("cp01"), "409 wrong-state");
    expect(leaving.detail).toBe(
      `Cannot detach ${fullName("cp01")} while ${fullName("cp04")} is joining: control planes come and go one after another`,
    );
    await join(machineOf(attached, "cp04"));
    on.server.clock.advance(30_000 + 2 * 180_000 + 10_000);
    await enforceDeadlines(on.server.clusters);
    expect(await on.states()).toContain("cp05 failed");
    const left = problemOf(await post({ controlPlanes: 1 }), "409 wrong-state");
    expect(left.detail).toContain(`while ${fullName("cp05")} is there, which failed to join; detach it first`);
    await on.detach("cp05");
    await attach({ controlPlanes: 1 });
    expect(await on.states()).toContain("cp06 launched");
  });

  it("cannot join a single one, whose workers have no load balancer", async () => {
    await on.close();
    on = await createDetachableCluster({});
    expect(problemOf(await post({ controlPlanes: 2 }), "409 wrong-state").detail).toContain(
      "Cannot attach control planes to build126, which has one: its workers reach it without a load balancer",
    );
  });
});
