import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { slowness } from "../fixtures/slowness.ts";
import { killMachine } from "../lab/machine-exec.ts";
import { createLabKubectl } from "../lab/lab-kubectl.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";

const reason = whyNoMachines();

describe.skipIf(reason !== null)(`workers attached to a ready cluster${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let program: string;

  beforeAll(async () => {
    program = (await prepareImage()).kubectl;
    lab = await startLab();
  });
  afterAll(() => lab.close());

  async function create(name: string, more: object = {}): Promise<{ cluster: Cluster; kubectl: Kubectl }> {
    const created = await lab.client.create({ name, controlPlanes: 1, workers: 1, provider: "nspawn", ...more });
    const cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 200_000 });
    return { cluster, kubectl: await createLabKubectl(lab, { clusterId: cluster.id, program }) };
  }
  const states = async ({ id }: Cluster) =>
    (await lab.client.get(id)).members.map(({ name, state }) => `${name.split(".")[0]} ${state}`);

  it("become Ready within 30 s, five at once, and their pods answer across nodes", async () => {
    const limit = 30_000 * (await slowness());
    const { cluster, kubectl } = await create("grow");
    await lab.client.attach(cluster.id, { workers: 5 });
    const all = ["cp01 ready", ...[1, 2, 3, 4, 5, 6].map((number) => `node0${number} ready`)];
    await expect.poll(() => states(cluster), { timeout: limit, interval: 250 }).toEqual(all);
    const signal = AbortSignal.timeout(200_000);
    const result = await runWorkload({ kubectl, nodes: 7, timeoutMs: 120_000, signal, now: Date.now });
    expect(result).toMatchObject({ pods: 7, crossNode: 42 });
    await lab.client.delete(cluster.id);
    await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
  });

  it("replace one that was killed, within 60 s", async () => {
    const { cluster, kubectl } = await create("heal", { maxUnhealthy: 1 });
    const killed = cluster.members[1]!;
    await killMachine({ machinesDir: lab.machinesDir, allocation: killed.allocation });
    const timeout = 60_000 * (await slowness());
    await expect.poll(() => states(cluster), { timeout, interval: 250 }).toEqual(["cp01 ready", "node02 ready"]);
    expect((await kubectl(["get", "nodes", "-o", "name"])).split("\n")).toEqual([
      "node/cp01.heal.sprout.internal",
      "node/node02.heal.sprout.internal",
    ]);
    const signal = AbortSignal.timeout(200_000);
    expect(await runWorkload({ kubectl, nodes: 2, timeoutMs: 120_000, signal, now: Date.now })).toMatchObject({
      crossNode: 2,
    });
    expect(await lab.client.get(cluster.id)).toMatchObject({ state: "ready", degraded: null });
    await lab.client.delete(cluster.id);
    await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
  });

  it("join by kubeadm, too", async () => {
    const { cluster, kubectl } = await create("late", { join: "kubeadm" });
    await lab.client.attach(cluster.id, { workers: 1 });
    const timeout = 60_000 * (await slowness());
    await expect
      .poll(() => states(cluster), { timeout, interval: 250 })
      .toEqual(["cp01 ready", "node01 ready", "node02 ready"]);
    expect(await kubectl(["get", "node", "node02.late.sprout.internal", "-o", "name"])).toBe(
      "node/node02.late.sprout.internal",
    );
  });
});
