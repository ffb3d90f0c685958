import type { Cluster } from "#api/cluster.ts";
import { kubernetesVersion, startLab } from "../lab/lab.ts";
import type { BringUpTimes } from "./bring-up-times.ts";
import { busyCpuSeconds } from "./host-cpu.ts";

/** Brings up a cluster of this shape, and deletes it. Throws if it does not become available. */
export async function measureBringUp(shape: {
  controlPlanes: number;
  workers: number;
}): Promise<{ cluster: Cluster; times: BringUpTimes }> {
  const lab = await startLab();
  try {
    const cpuBefore = await busyCpuSeconds();
    const { id } = await lab.client.create({ ...shape, provider: "nspawn", kubernetesVersion });
    await lab.client.wait(id, { condition: "ready", timeoutMs: 200_000 });
    const cpuToReady = (await busyCpuSeconds()) - cpuBefore;
    const cluster = await lab.client.wait(id, { condition: "available", timeoutMs: 200_000 });
    const cpuToDns = (await busyCpuSeconds()) - cpuBefore;
    if (cluster.availableAt === null)
      throw new Error(
        `Cannot measure: ${cluster.failure?.message ?? `the cluster is ${cluster.state}, not available`}`,
      );
    await lab.client.delete(id);
    await lab.client.wait(id, { condition: "deleted", timeoutMs: 60_000 });
    const { createdAt, readyAt, availableAt } = cluster;
    const times = { ready: seconds(createdAt, readyAt), dns: seconds(createdAt, availableAt), cpuToReady, cpuToDns };
    return { cluster, times };
  } finally {
    await lab.close();
  }
}

/** Between two times of the API. */
export const seconds = (from: string | null, to: string | null): number =>
  (Date.parse(to ?? "") - Date.parse(from ?? "")) / 1000;
