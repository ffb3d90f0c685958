import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "#api/cluster.ts";
import { startEc2Lab } from "../../lab/ec2-lab.ts";
import { createEc2Image } from "../../lab/ec2-machines.ts";
import { cacheDir, kubernetesVersion, prepareImage, startLab, type Lab } from "../../lab/lab.ts";
import { median } from "../median.ts";

export const instanceMilestones = {
  launched: "launched",
  contact: "at metadata server",
  kubelet: "kubelet started",
  ready: "Ready",
} as const;

/** Seconds from POST to each, of a control plane alone. */
type InstanceTimes = Record<keyof typeof instanceMilestones, number>;

export interface Ec2InstanceBench {
  /** Provider ec2: a fake EC2 that reports instances immediately, a metadata service in each machine, the bootstrapper. */
  instance: InstanceTimes[];
  /** Provider nspawn: the same image and machines. */
  nspawn: InstanceTimes[];
  /** Ratio of the medians from POST to Ready. */
  ratio: number;
  goalRatio: 1.2;
}

/** In turns, so that a slow moment of the host hits both. */
export async function benchEc2Instance(options: {
  rounds: number;
  onProgress: (text: string) => void;
}): Promise<Ec2InstanceBench> {
  const { rounds, onProgress } = options;
  onProgress("ec2-instance: image");
  await prepareImage();
  const folder = await mkdtemp(join(cacheDir, "bench-ec2-"));
  const instance: InstanceTimes[] = [];
  const nspawn: InstanceTimes[] = [];
  try {
    const imagesDir = join(folder, "images");
    await createEc2Image(imagesDir);
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`ec2-instance, round ${round} of ${rounds}: nspawn`);
      nspawn.push(await onNspawn());
      onProgress(`ec2-instance, round ${round} of ${rounds}: EC2`);
      instance.push(await onEc2(imagesDir));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const ready = (times: readonly InstanceTimes[]) => median(times.map((each) => each.ready));
  return { instance, nspawn, ratio: ready(instance) / ready(nspawn), goalRatio: 1.2 };
}

async function onNspawn(): Promise<InstanceTimes> {
  const lab = await startLab();
  try {
    return await bringUp(lab, "nspawn");
  } finally {
    await lab.close();
  }
}

async function onEc2(imagesDir: string): Promise<InstanceTimes> {
  const clouds = await startEc2Lab({ imagesDir, instances: 1, consistencyMs: 0 });
  try {
    return await bringUp(clouds.lab, "ec2");
  } finally {
    await clouds.close();
  }
}

async function bringUp({ client }: Lab, provider: "nspawn" | "ec2"): Promise<InstanceTimes> {
  const { id } = await client.create({ controlPlanes: 1, workers: 0, provider, kubernetesVersion });
  const cluster = await client.wait(id, { condition: "ready", timeoutMs: 200_000 });
  if (cluster.state !== "ready") throw new Error(`Cannot measure: ${cluster.failure?.message ?? cluster.state}`);
  await client.delete(id);
  await client.wait(id, { condition: "deleted", timeoutMs: 60_000 });
  return readTimes(cluster);
}

function readTimes({ createdAt, readyAt, members: [member] }: Cluster): InstanceTimes {
  const seconds = (at: string | null | undefined) => (Date.parse(at ?? "") - Date.parse(createdAt)) / 1000;
  const kubelet = member?.phases.find(({ phase, state }) => phase === "kubelet" && state === "done");
  return {
    launched: seconds(member?.launchedAt),
    contact: seconds(member?.firstContactAt),
    kubelet: seconds(kubelet?.at),
    ready: seconds(readyAt),
  };
}
