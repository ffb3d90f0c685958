import { afterEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createEc2Clusters, type Ec2Clusters } from "../../../test/fixtures/ec2-clusters.ts";
import { bringUpEc2Cluster, instancesOf } from "../../../test/fixtures/ec2-machine.ts";
import { refusal } from "../../../test/fixtures/test-server.ts";
import { patience } from "../../../test/fixtures/patience.ts";

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
  /** Takes a spot instance back as EC2 does, surveys twice, and returns the expected message. */
  async function interrupt(cluster: Cluster, index: number): Promise<string> {
    const { id } = instanceOf(cluster, index);
    life.under.ec2.interruptSpot(id);
    await life.survey();
    await life.survey();
    return `Machine ${id} of ${cluster.members[index]!.name} has terminated: EC2 took the spot instance back (Server.SpotInstanceTermination)`;
  }
  const messages = async ({ id }: Cluster) =>
    (await life.server.events(id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));
  const kubeconfig = ({ id }: Cluster) => life.server.request(`/v1/clusters/${id}/kubeconfig`);

  it("stays ready without a worker that EC2 took back, whose member fails with EC2's reason", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 2 });
    const message = await interrupt(cluster, 1);
    const current = await life.server.cluster(cluster.id);
    expect(current).toMatchObject({ state: "ready", failure: null });
    expect(current.members.map(({ state }) => state)).toEqual(["ready", "failed", "ready"]);
    expect(current.members[1]!.failure).toEqual({ phase: "network", error: message });
    const reported = (await life.server.events(cluster.id)).filter(
      (event) => "message" in event && event.message === message,
    );
    expect(reported).toMatchObject([
      { type: "alert", code: "machine-ended" },
      { type: "member", state: "failed" },
    ]);
    expect((await life.server.request("/metrics")).text).toContain('sprout_alerts_total{code="machine-ended"} 1');
    expect((await kubeconfig(cluster)).status).toBe(200);
  });

  it("fails if EC2 takes back its only control plane", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 1 });
    const message = await interrupt(cluster, 0);
    expect(await life.server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: {
        message: `${message}; 0 of 1 control planes are left, too few for an etcd quorum; delete the cluster and create it again`,
      },
    });
    expect(refusal(await kubeconfig(cluster))).toBe("409 not-ready");
  });

  it("stays ready without one of three control planes, and fails without two", async () => {
    const cluster = await createReady({ controlPlanes: 3, workers: 0 });
    await interrupt(cluster, 0);
    expect((await life.server.cluster(cluster.id)).state).toBe("ready");
    expect((await kubeconfig(cluster)).text).toContain(`https://${cluster.members[1]!.address}:6443`);
    const message = await interrupt(cluster, 2);
    expect(await life.server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: { message: expect.stringContaining(`${message}; 1 of 3 control planes is left`) as string },
    });
  });

  it("reports a node that cannot route, with reason and fix, retries, and reports when the problem is solved", async () => {
    const cluster = await createReady({ controlPlanes: 1, workers: 1 });
    const instance = instanceOf(cluster, 1);
    await expect.poll(() => instance.sourceDestCheck, patience).toBe(false);
    // As after a crash.
    instance.sourceDestCheck = true;
    const { ec2 } = life.under;
    ec2.faults.set("ModifyInstanceAttribute", [refused, refused]);
    const left = () => ec2.faults.get("ModifyInstanceAttribute")!.length;
    const trouble = `Cannot switch off ${instance.id}'s source/destination check: You are not allowed (UnauthorizedOperation); allow ec2:ModifyInstanceAttribute. Until then its pods and those of other nodes cannot reach each other; Sprout retries`;
    const machine = `Machine ${instance.id} of ${cluster.members[1]!.name}`;
    for (const count of [1, 0]) {
      await life.survey();
      await expect.poll(left, patience).toBe(count);
    }
    await life.survey();
    await expect.poll(() => instance.sourceDestCheck, patience).toBe(false);
    await life.survey();
    await life.survey();
    expect((await messages(cluster)).filter((message) => message.startsWith(`${machine}:`))).toEqual([
      `${machine}: ${trouble}`,
      `${machine}: problem solved: ${trouble}`,
    ]);
    expect((await life.server.cluster(cluster.id)).state).toBe("ready");
    expect((await life.server.request("/metrics")).text).toContain('sprout_alerts_total{code="machine-trouble"} 1');
  });

  it("gets the report of its lost machine even if EC2 refuses to terminate a stray", async () => {
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
      `Cannot check 1 of 3 machines: Cannot terminate ${stray.id}: You are not allowed (UnauthorizedOperation)`,
    );
    expect((await life.server.cluster(cluster.id)).members[1]!.state).toBe("failed");
    await life.survey();
    expect(stray.endedAt).toBeDefined();
  });
});
