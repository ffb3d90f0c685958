import type { Cluster } from "#api/cluster.ts";
import { kubernetesVersion, prepareImage } from "../lab/lab.ts";
import type { BringUpTimes } from "./bring-up-times.ts";
import { measureBringUp, seconds } from "./measure-bring-up.ts";
import { median } from "./median.ts";
import { bringUpByHand, type ReferenceTimes } from "./reference/bring-up.ts";

/** Clusters of one control plane and so many workers, each run. */
interface SizeBench {
  workers: number;
  sprout: BringUpTimes[];
  /** kubeadm by hand on the same machines with the same programs. */
  reference: ReferenceTimes[];
  ratioToReady: number;
  ratioToDns: number;
}

export interface BringUpBench {
  kubernetesVersion: string;
  sizes: SizeBench[];
  /** Seconds from a worker's launch to its Ready, in the clusters above, without its wait for the API server. */
  worker: number[];
  /** The bootstrapper's own steps on a node (metadata, claim, render, confirm, preflight), summed, worst node of each run. */
  bootstrapperOwn: number[];
  goals: { ratioToReady: 0.35; ratioToDns: 0.4; bootstrapperOwnSeconds: 0.8 };
}

export interface BringUpOptions {
  rounds: number;
  onProgress: (text: string) => void;
}

const workersOf = [0, 3];

/** Real clusters, in turns with the hand-driven reference, so that a slow moment of the host hits both. */
export async function benchBringUp({ rounds, onProgress }: BringUpOptions): Promise<BringUpBench> {
  const { image } = await prepareImage();
  const clusters: Cluster[] = [];
  const sizes = workersOf.map((workers) => ({
    workers,
    sprout: [] as BringUpTimes[],
    reference: [] as ReferenceTimes[],
  }));
  for (let round = 1; round <= rounds; round += 1)
    for (const { workers, sprout, reference } of sizes) {
      onProgress(`bring-up, round ${round} of ${rounds}: Sprout, 1 + ${workers}`);
      const { cluster, times } = await measureBringUp({ controlPlanes: 1, workers });
      if (workers > 0) clusters.push(cluster);
      sprout.push(times);
      onProgress(`bring-up, round ${round} of ${rounds}: kubeadm by hand, 1 + ${workers}`);
      const workDir = "/var/lib/sprout/bench";
      const signal = AbortSignal.timeout(300_000);
      reference.push(await bringUpByHand({ image: image.dir, version: kubernetesVersion, workers, workDir, signal }));
    }
  return {
    kubernetesVersion,
    sizes: sizes.map((size) => ({
      ...size,
      ratioToReady: ratioOf(size, ({ ready }) => ready),
      ratioToDns: ratioOf(size, ({ dns }) => dns),
    })),
    worker: clusters.map(slowestWorkerSeconds),
    bootstrapperOwn: clusters.map(ownSeconds),
    goals: { ratioToReady: 0.35, ratioToDns: 0.4, bootstrapperOwnSeconds: 0.8 },
  };
}

const ratioOf = (
  { sprout, reference }: { sprout: BringUpTimes[]; reference: ReferenceTimes[] },
  select: (times: BringUpTimes) => number,
) => median(sprout.map(select)) / median(reference.map(select));

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
