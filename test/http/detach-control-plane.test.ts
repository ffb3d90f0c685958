import { afterEach, describe, expect, it } from "vitest";
import { createDetachableCluster, type DetachableCluster, fullName } from "../fixtures/detachable-cluster.ts";
import { problemOf } from "../fixtures/test-server.ts";

let on: DetachableCluster;
const create = async (body: Record<string, unknown> = { controlPlanes: 3, workers: 1, nodes: undefined }) => {
  on = await createDetachableCluster(body);
};
afterEach(() => on.close());

describe("A control plane that is detached", () => {
  it("leaves etcd before its machine is terminated, by what the others answer", async () => {
    await create();
    on.kubernetes.servers.length = 0;
    await on.detach("cp01");
    expect(await on.states()).toEqual(["cp02 ready", "cp03 ready", "node01 ready"]);
    expect([...on.kubernetes.etcdMembers.keys()]).toEqual([fullName("cp02"), fullName("cp03")]);
    const [, second, third] = on.cluster.members.map(({ address }) => address);
    expect(on.kubernetes.servers).toContainEqual([`https://${second}:2379`, `https://${third}:2379`]);
    expect(on.kubernetes.calls.indexOf("POST /v3/cluster/member/remove")).toBeLessThan(
      on.kubernetes.calls.indexOf(`DELETE /api/v1/nodes/${fullName("cp01")}`),
    );
    const kubeconfig = await on.server.request(`/v1/clusters/${on.cluster.id}/kubeconfig`);
    expect(kubeconfig.text).not.toContain(on.cluster.members[0]!.address);
  });

  it("must not be the last, and not one of two at once", async () => {
    await create({});
    const last = problemOf(await on.request("cp01"), "409 wrong-state");
    expect(last.detail).toBe(
      `Cannot detach ${fullName("cp01")}: it is the last control plane of build126; delete the cluster instead`,
    );
    await on.close();
    await create();
    const answers = await Promise.all([on.request("cp01"), on.request("cp02")]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
    await on.settle();
    expect(await on.states()).toHaveLength(3);
  });

  it("stays if etcd refuses its removal, and etcd's reason is on the timeline", async () => {
    await create();
    const refused = {
      status: 400,
      body: { message: "etcdserver: re-configuration failed due to not enough started members" },
    };
    on.kubernetes.fault = ({ path }) => (path.endsWith("/member/remove") ? refused : undefined);
    await on.request("cp02");
    while (!(await on.messages()).some((message) => message.includes("not enough started members"))) {
      await new Promise(setImmediate);
    }
    expect(on.server.provider.running.has(on.allocationOf("cp02"))).toBe(true);
    on.kubernetes.fault = () => undefined;
    await on.settle();
    expect(await on.states()).toEqual(["cp01 ready", "cp03 ready", "node01 ready"]);
  });
});
