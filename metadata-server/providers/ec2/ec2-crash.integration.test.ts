import { afterEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { CrashPoint } from "../../../test/fakes/simulated-crash.ts";
import { createEc2Clusters, type Ec2Clusters } from "../../../test/fixtures/ec2-clusters.ts";
import { ec2ClusterId, toMembers, toSpecs } from "../../../test/fixtures/ec2-provider.ts";
import { proveEc2Cluster } from "../../../test/fixtures/ec2-machine.ts";
import { patientSignal } from "../../../test/fixtures/patience.ts";

describe("Clusters on EC2 whose server crashes (simulated)", () => {
  let life: Ec2Clusters;
  afterEach(() => life.close());
  const start = async (...given: Parameters<typeof createEc2Clusters>) => {
    life = await createEc2Clusters(...given);
  };

  it("brings a cluster up once after a crash at any point of the launch, and deletes it after one at any point of the deletion", async () => {
    let operations = Infinity;
    for (let operation = 0; operation < operations; operation += 1)
      for (const when of ["before", "after"] as const) {
        await start();
        operations = await live({ operation, when });
        await life.close();
      }
    await start();
    expect(operations).toBeGreaterThan(8);
  }, 120_000);

  /** Runs a cluster from POST to deletion with one crash, and returns the number of operations. */
  async function live(point: CrashPoint): Promise<number> {
    life.crash.arm(point);
    const ask = () => life.create({}, { "idempotency-key": "build-126" });
    let answer = await ask();
    await life.server.clusters.background.idle();
    let operations = life.crash.operations.length;
    const survive = async () => {
      if (!life.crash.dead) return false;
      await life.restart();
      return true;
    };
    if (await survive()) {
      answer = await ask();
      await life.server.clusters.background.idle();
    }
    const { id } = answer.body as Cluster;
    await life.survey();
    let problems = await proveEc2Cluster(life.server, life.under, await life.server.cluster(id));
    operations = Math.max(operations, life.crash.operations.length);
    if (await survive()) problems = await proveEc2Cluster(life.server, life.under, await life.server.cluster(id));
    expect({ ...point, problems }).toEqual({ ...point, problems: [] });
    await life.server.request(`/v1/clusters/${id}`, { method: "DELETE" });
    await life.server.clusters.background.idle();
    operations = Math.max(operations, life.crash.operations.length);
    if (await survive()) await life.server.request(`/v1/clusters/${id}`, { method: "DELETE" });
    await life.server.clusters.background.idle();
    expect((await life.server.cluster(id)).state).toBe("deleted");
    expect(life.under.ec2.living()).toEqual([]);
    return operations;
  }

  it("loses and doubles no instance after a crash, even if EC2 lists the instances late", async () => {
    await start({ consistencyMs: 700 }, { consistencyMs: 2000 });
    life.crash.arm({ operation: 3, when: "after" });
    await life.create();
    await life.server.clusters.background.idle();
    expect(life.crash.operations[3]).toMatch(/^launch/);
    expect(life.under.ec2.living()).toHaveLength(3);
    await life.restart();
    const [{ id } = { id: "" }] = await life.server.clusters.store.clusters({ limit: 1 });
    expect(await proveEc2Cluster(life.server, life.under, await life.server.cluster(id))).toEqual([]);
    expect(life.under.ec2.instances).toHaveLength(3);
  });

  it("terminates the earlier instances and launches again if EC2 does not list them until it refuses", async () => {
    await start({ consistencyMs: 1200 }, { consistencyMs: 800 });
    life.crash.arm({ operation: 3, when: "after" });
    await life.create({ network: { plugin: "manifest", baked: "flannel.yaml" } });
    await life.server.clusters.background.idle();
    const earlier = life.under.ec2.living();
    expect(earlier).toHaveLength(3);
    await life.restart();
    const [{ id } = { id: "" }] = await life.server.clusters.store.clusters({ limit: 1 });
    expect(await proveEc2Cluster(life.server, life.under, await life.server.cluster(id))).toEqual([]);
    expect(earlier.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
    expect(life.under.ec2.instances).toHaveLength(6);
  });

  it("launches again with the same request after its instances were terminated", async () => {
    await start();
    const { provider, ec2 } = life.under;
    const members = toMembers("control-plane");
    const [spec] = toSpecs(await provider.reserve({ clusterId: ec2ClusterId, members }), members);
    await provider.launch(spec!, patientSignal());
    await provider.terminate({ clusterId: ec2ClusterId, allocation: spec!.allocation });
    await provider.launch(spec!, patientSignal());
    expect(ec2.instances).toHaveLength(2);
    expect(ec2.living()).toHaveLength(1);
  });
});
