import type { Cluster } from "#api/cluster.ts";
import { kubernetesVersion, prepareImage, startLab } from "../lab/lab.ts";
import { median } from "./median.ts";
import { bringUpByHand, type ReferenceTimes } from "./reference/bring-up.ts";

export interface BringUpBench {
  workers: number;
  /** Seconds from POST to all Ready, each run. */
  sprout: number[];
  /** Seconds from POST to Ready of a control plane alone, each run. */
  controlPlaneAlone: number[];
  /** Seconds from a worker's launch to its Ready, in the clusters above, the time it waits for its API server left out. */
  worker: number[];
  /** The bootstrapper's own steps on a node (metadata, claim, render, confirm, preflight), summed, worst node of each run. */
  bootstrapperOwn: number[];
  /** kubeadm by hand on the same machines and binaries. */
  reference: ReferenceTimes[];
  ratio: number;
  goals: { seconds: 10; ratio: 0.25; controlPlaneAloneSeconds: 6.5; bootstrapperOwnSeconds: 1 };
}

export interface BringUpOptions {
  workers: number;
  rounds: number;
  onProgress: (text: string) => void;
}

/** Real clusters, in turns with the hand-driven reference, so that a slow moment of the machine falls on both. */
export async function benchBringUp({ workers, rounds, onProgress }: BringUpOptions): Promise<BringUpBench> {
  const { image } = await prepareImage();
  const clusters: Cluster[] = [];
  const alone: Cluster[] = [];
  const reference: ReferenceTimes[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    onProgress(`bring-up, round ${round} of ${rounds}: Sprout, 1 + ${workers}`);
    clusters.push(await bringUp(workers));
    onProgress(`bring-up, round ${round} of ${rounds}: Sprout, control plane alone`);
    alone.push(await bringUp(0));
    onProgress(`bring-up, round ${round} of ${rounds}: kubeadm by hand, 1 + ${workers}`);
    const workDir = "/var/lib/sprout/bench";
    const signal = AbortSignal.timeout(300_000);
    reference.push(await bringUpByHand({ image: image.dir, version: kubernetesVersion, workers, workDir, signal }));
  }
  const sprout = clusters.map(readySeconds);
  return {
    workers,
    sprout,
    controlPlaneAlone: alone.map(readySeconds),
    worker: clusters.map(slowestWorkerSeconds),
    bootstrapperOwn: clusters.map(ownSeconds),
    reference,
    ratio: median(sprout) / median(reference.map(({ allReady }) => allReady)),
    goals: { seconds: 10, ratio: 0.25, controlPlaneAloneSeconds: 6.5, bootstrapperOwnSeconds: 1 },
  };
}

async function bringUp(workers: number): Promise<Cluster> {
  const lab = await startLab();
  try {
    const { id } = await lab.client.create({ controlPlanes: 1, workers, provider: "nspawn", kubernetesVersion });
    const cluster = await lab.client.wait(id, { condition: "ready", timeoutMs: 200_000 });
    if (cluster.state !== "ready") throw new Error(`Cannot measure: ${cluster.failure?.message ?? cluster.state}`);
    await lab.client.delete(id);
    await lab.client.wait(id, { condition: "deleted", timeoutMs: 60_000 });
    return cluster;
  } finally {
    await lab.close();
  }
}

const seconds = (from: string | null, to: string | null) => (Date.parse(to ?? "") - Date.parse(from ?? "")) / 1000;
const readySeconds = ({ createdAt, readyAt }: Cluster) => seconds(createdAt, readyAt);

function slowestWorkerSeconds({ members }: Cluster): number {
  const workers = members.filter(({ role }) => role === "worker");
  return Math.max(
    ...workers.map(({ phases, launchedAt }) => {
      const done = phases.find(({ phase, state }) => phase === "verify" && state === "done");
      const waited = phases.find(({ phase, state }) => phase === "api-server" && state === "done");
      return seconds(launchedAt, done?.at ?? null) - (waited?.durationMs ?? 0) / 1000;
    }),
  );
}

const own = new Set(["metadata", "claim", "render", "confirm", "preflight"]);
const ownSeconds = ({ members }: Cluster) =>
  Math.max(
    ...members.map(({ phases }) =>
      phases
        .filter(({ phase, state }) => own.has(phase) && state === "done")
        .reduce((sum, { durationMs = 0 }) => sum + durationMs / 1000, 0),
    ),
  );
