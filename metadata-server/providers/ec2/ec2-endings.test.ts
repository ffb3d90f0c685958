import { afterEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createEc2Clusters, type Ec2Clusters } from "../../../test/fixtures/ec2-clusters.ts";
import { bringUpEc2Cluster, instancesOf } from "../../../test/fixtures/ec2-machine.ts";
import { refusal } from "../../../test/fixtures/test-server.ts";

const refused = { kind: "refuse" as const, status: 403, code: "UnauthorizedOperation", message: "You are not allowed" };

describe("A Ready cluster on EC2", () => {
  let life: Ec2Clusters;
  afterEach(() => life.close());

  async function createReady(body: object): Promise<Cluster> {
    life = await createEc2Clusters({}, { spot: true });
    const cluster = await life.createLaunched({ nodes: undefined, ...body });
    await bringUpEc2Cluster(life.server, life.under, cluster);
    return life.server.cluster(cluster.id);
  }
  const instanceOf = (cluster: Cluster, index: number) =>
    instancesOf(life.under, cluster.members[index]!.allocation)[0]!;
  /** As EC2 does, seen twice; returns what it must be told as. */
  async function interrupt(cluster: Cluster, index: number): Promise<string> {
    const { id } = instanceOf(cluster, index);
    life.under.ec2.interruptSpot(id);
    await life.survey();
    await life.survey();
    return `Machine ${id} of ${cluster.members[index]!.name} has ended: EC2 took the spot instance back (Server.SpotInstanceTermination)`;
  }
  const messages = async ({ id }: Cluster) =>
    (await life.server.events(id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));
  const kubeconfig = ({ id }: Cluster) => life.server.request(`/v1/clusters/${id}/kubeconfig`);

  it("goes on without a worker that was taken back, whose member has failed with EC2's reason", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 2 });
    const message = await interrupt(cluster, 1);
    const current = await life.server.cluster(cluster.id);
    expect(current).toMatchObject({ state: "ready", failure: null });
    expect(current.members.map(({ state }) => state)).toEqual(["ready", "failed", "ready"]);
    expect(current.members[1]!.failure).toEqual({ phase: "network", error: message });
    const told = (await life.server.events(cluster.id)).filter(
      (event) => "message" in event && event.message === message,
    );
    expect(told).toMatchObject([
      { type: "alert", code: "machine-ended" },
      { type: "member", state: "failed" },
    ]);
    expect((await life.server.request("/metrics")).text).toContain('sprout_alerts_total{code="machine-ended"} 1');
    expect((await kubeconfig(cluster)).status).toBe(200);
  });

  it("has failed when its only control plane was taken back", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 1 });
    const message = await interrupt(cluster, 0);
    expect(await life.server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: {
        message: `${message}; of 1 control planes 0 are left, too few for etcd and the API server; create the cluster anew`,
      },
    });
    expect(refusal(await kubeconfig(cluster))).toBe("409 not-ready");
  });

  it("goes on without one of three control planes, and has failed without two", async () => {
    const cluster = await createReady({ controlPlanes: 3, workers: 0 });
    await interrupt(cluster, 0);
    expect((await life.server.cluster(cluster.id)).state).toBe("ready");
    expect((await kubeconfig(cluster)).text).toContain(`https://${cluster.members[1]!.address}:6443`);
    const message = await interrupt(cluster, 2);
    expect(await life.server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: { message: expect.stringContaining(`${message}; of 3 control planes 1 are left`) as string },
    });
  });

  it("tells of a node that cannot route, why and what to do, tries again, and tells when it is over", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 1 });
    const instance = instanceOf(cluster, 1);
    await expect.poll(() => instance.sourceDestCheck).toBe(false);
    // As a crash leaves it.
    instance.sourceDestCheck = true;
    const { ec2 } = life.under;
    ec2.faults.set("ModifyInstanceAttribute", [refused, refused]);
    const left = () => ec2.faults.get("ModifyInstanceAttribute")!.length;
    const trouble = `Cannot switch off ${instance.id}'s source/destination check: You are not allowed (UnauthorizedOperation); allow ec2:ModifyInstanceAttribute. Until then its pods reach no other node's, nor these them; it is tried again`;
    const machine = `Machine ${instance.id} of ${cluster.members[1]!.name}`;
    for (const count of [1, 0]) {
      await life.survey();
      await expect.poll(left).toBe(count);
    }
    await life.survey();
    await expect.poll(() => instance.sourceDestCheck).toBe(false);
    await life.survey();
    await life.survey();
    expect((await messages(cluster)).filter((message) => message.startsWith(`${machine}:`))).toEqual([
      `${machine}: ${trouble}`,
      `${machine}: it is over: ${trouble}`,
    ]);
    expect((await life.server.cluster(cluster.id)).state).toBe("ready");
    expect((await life.server.request("/metrics")).text).toContain('sprout_alerts_total{code="machine-trouble"} 1');
  });

  it("is told of its lost machine, also where EC2 does not let strays be ended", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 1 });
    const { ec2 } = life.under;
    const tags = instanceOf(cluster, 0).tags.map((tag) =>
      tag.Key === "sprout:cluster" ? { ...tag, Value: "c-bbbbbbbbbbbbbbbb" } : tag,
    );
    const stray = ec2.add({ ...instanceOf(cluster, 0), id: "i-0000000000000dead", tags });
    ec2.instances.sort((one, other) => Number(other === stray) - Number(one === stray));
    ec2.interruptSpot(instanceOf(cluster, 1).id);
    ec2.faults.set("TerminateInstances", [refused]);
    await expect(life.survey()).rejects.toThrow(
      `1 of 3 machines could not be looked after: Cannot end ${stray.id}: You are not allowed (UnauthorizedOperation)`,
    );
    expect((await life.server.cluster(cluster.id)).members[1]!.state).toBe("failed");
    await life.survey();
    expect(stray.endedAt).toBeDefined();
  });
});
