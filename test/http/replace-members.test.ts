import { afterEach, describe, expect, it } from "vitest";
import { reconcile } from "../../metadata-server/clusters/reconcile.ts";
import { replaceTerminated } from "../../metadata-server/clusters/replace-members.ts";
import { surveyMachines } from "../../metadata-server/clusters/watch-machines.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { createDetachableCluster, type DetachableCluster, fullName } from "../fixtures/detachable-cluster.ts";
import { problemOf } from "../fixtures/test-server.ts";

let on: DetachableCluster;
let provider: MachineProvider;
/** Allocations of machines that have terminated. */
let terminated: Set<string>;

/** A provider whose survey finds machines that have terminated. */
function withSurvey(fake: MachineProvider): MachineProvider {
  const owners = new Map<string, string>();
  provider = {
    ...fake,
    surveyIntervalMs: 5000,
    async launch(machine, signal) {
      const { allocation, clusterId, address, mac } = machine;
      await fake.launch(machine, signal);
      owners.set(allocation, clusterId);
      return { id: `i-${allocation}`, address: address ?? "", mac: mac ?? "", description: "fake", identity: {} };
    },
    survey: async () =>
      Array.from(owners, ([allocation, clusterId]) => ({
        clusterId,
        allocation,
        id: `i-${allocation}`,
        state: "running",
        kind: "fake",
        place: "here",
        since: "2026-01-02T03:04:05Z",
        ...(terminated.has(allocation) && { ended: "power was cut" }),
      })),
  };
  return provider;
}

async function create(maxUnhealthy: number, size: object = { nodes: 5 }) {
  terminated = new Set();
  on = await createDetachableCluster({ ...size, maxUnhealthy }, { provider: withSurvey });
}
afterEach(() => on.close());

/** Ends machines, and lets the server survey as it does every few seconds. */
async function terminate(...names: string[]) {
  for (const name of names) terminated.add(on.allocationOf(name));
  await survey();
}
async function survey() {
  await surveyMachines(on.server.clusters, provider);
  await replaceTerminated(on.server.clusters, provider);
  await on.settle();
}
const others = ["cp01 ready", "node01 ready", "node02 ready"];

describe("maxUnhealthy", () => {
  it("replaces a worker whose machine has terminated by one with a new identity, once", async () => {
    await create(1);
    await terminate("node03");
    for (let again = 0; again < 3; again += 1) await survey();
    expect(await on.states()).toEqual([...others, "node04 ready", "node05 launched"]);
    expect(on.kubernetes.nodes.has(fullName("node03"))).toBe(false);
    const messages = await on.messages();
    expect(messages).toContain(`Attaching ${fullName("node05")}`);
    expect(messages.filter((message) => message.startsWith("Attaching"))).toHaveLength(1);
  });

  it("gives the replacement the node pool of the worker that has terminated", async () => {
    await create(1, { nodes: undefined, controlPlanes: 1, workers: 1, nodePools: [{ name: "gpu", workers: 1 }] });
    await terminate("node02");
    expect(await on.states()).toEqual(["cp01 ready", "node01 ready", "node03 launched"]);
    const { members, nodePools } = await on.server.cluster(on.cluster.id);
    expect(members.at(-1)?.nodePool).toBe("gpu");
    expect(nodePools[1]).toEqual({ name: "gpu", workers: 1, members: 1, ready: 0 });
  });

  it("replaces as many at once as it allows, and none beyond that until some are detached", async () => {
    await create(2);
    await terminate("node03", "node04");
    expect(await on.states()).toEqual([...others, "node05 launched", "node06 launched"]);
    await on.close();
    await create(1);
    await terminate("node03", "node04");
    expect(await on.states()).toEqual([...others, "node03 failed", "node04 failed"]);
    expect(await on.messages()).toContain(
      "2 members of build126 have terminated, more than maxUnhealthy (1): none is replaced until some are detached",
    );
    await on.detach("node03");
    await survey();
    expect(await on.states()).toEqual([...others, "node05 launched"]);
  });

  it("replaces nothing by default; the cluster is degraded, and the answer says why", async () => {
    await create(0);
    expect((await on.server.cluster(on.cluster.id)).degraded).toBeNull();
    await terminate("node03");
    expect(await on.states()).toEqual([...others, "node03 failed", "node04 ready"]);
    expect(await on.server.cluster(on.cluster.id)).toMatchObject({
      state: "ready",
      degraded: `1 of 5 members: ${fullName("node03")}: Machine i-${on.allocationOf("node03")} of ${fullName("node03")} has terminated: power was cut`,
    });
    await on.detach("node03");
    expect((await on.server.cluster(on.cluster.id)).degraded).toBeNull();
  });

  it("resumes after a restart between the new worker and the end of the old one", async () => {
    await create(1);
    on.kubernetes.fault = ({ method }) => {
      if (method === "DELETE") throw new Error("killed");
      return undefined;
    };
    terminated.add(on.allocationOf("node03"));
    await surveyMachines(on.server.clusters, provider);
    await replaceTerminated(on.server.clusters, provider);
    while (!(await on.messages()).some((message) => message.includes("killed"))) await on.tick();
    await on.restart();
    on.kubernetes.fault = () => undefined;
    await reconcile(on.server.clusters);
    await on.settle();
    await survey();
    expect(await on.states()).toEqual([...others, "node04 ready", "node05 launched"]);
  });

  it("replaces a lost control plane: it leaves etcd first, then another one joins, once, even after a restart", async () => {
    await create(1, { controlPlanes: 3, workers: 1, nodes: undefined });
    await terminate("cp02");
    expect(await on.states()).toEqual(["cp01 ready", "cp03 ready", "node01 ready"]);
    expect([...on.kubernetes.etcdMembers.keys()]).toEqual(["cp01", "cp03"].map(fullName));
    await on.restart();
    for (let again = 0; again < 3; again += 1) await survey();
    expect(await on.states()).toEqual(["cp01 ready", "cp03 ready", "cp04 launched", "node01 ready"]);
  });

  it("attaches no control plane that would make their number even", async () => {
    await create(1, { controlPlanes: 5, workers: 0, nodes: undefined });
    await on.detach("cp05");
    await terminate("cp04");
    await survey();
    expect(await on.states()).toEqual(["cp01 ready", "cp02 ready", "cp03 ready"]);
    expect((await on.messages()).filter((message) => message.startsWith("Cannot"))).toEqual([]);
  });

  it("replaces no control plane whose loss cost the quorum: the cluster fails", async () => {
    await create(3, { controlPlanes: 3, workers: 0, nodes: undefined });
    await terminate("cp02", "cp03");
    expect(await on.server.cluster(on.cluster.id)).toMatchObject({ state: "failed" });
    expect(on.server.provider.running.size).toBe(3);
  });

  it("counts no machine as terminated that Sprout itself terminates for a detachment", async () => {
    terminated = new Set();
    on = await createDetachableCluster(
      { controlPlanes: 3, workers: 1, nodes: undefined, maxUnhealthy: 1 },
      { provider: withSurvey },
    );
    const end = provider.terminate.bind(provider);
    // A survey finds it terminated before the member is forgotten.
    provider.terminate = async (machine) => {
      await end(machine);
      terminated.add(machine.allocation);
      await surveyMachines(on.server.clusters, provider);
    };
    for (const name of ["cp03", "cp02", "node01"]) await on.detach(name);
    expect(await on.states()).toEqual(["cp01 ready"]);
    expect((await on.server.cluster(on.cluster.id)).state).toBe("ready");
    expect((await on.messages()).filter((message) => message.includes("has terminated"))).toEqual([]);
  });

  it("must be 0 with a provider that does not notice machines that terminate", async () => {
    on = await createDetachableCluster();
    const body = { name: "other", nodes: 1, provider: "fake", maxUnhealthy: 1 };
    expect(problemOf(await on.server.request("/v1/clusters", { body }), "400 invalid-request").errors).toEqual([
      {
        pointer: "/maxUnhealthy",
        detail: "Expected 0, got 1; provider fake does not notice machines that terminate",
      },
    ]);
  });
});
