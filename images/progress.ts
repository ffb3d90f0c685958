import { explainFullDisk } from "./full-disk.ts";

/** The steps of a bake in their order, with the titles that people see. */
export const bakeSteps = {
  kubernetes: "Kubernetes binaries",
  debian: "Debian packages",
  rootfs: "Machine root",
  "container-images": "Container images",
  "containerd-store": "containerd store",
  "network-boot": "Network boot",
  finish: "Manifest",
} as const;
export type BakeStep = keyof typeof bakeSteps;

export type BakeProgress =
  | { step: BakeStep; state: "started" }
  | { step: BakeStep; state: "working"; detail: string }
  | { step: BakeStep; state: "done" | "failed"; durationMs: number };

export type OnBakeProgress = (progress: BakeProgress) => void;

/** Runs one step and reports its progress. */
export async function runStep<T>(
  step: BakeStep,
  onProgress: OnBakeProgress,
  work: (onDetail: (detail: string) => void) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  onProgress({ step, state: "started" });
  try {
    const result = await work((detail) => onProgress({ step, state: "working", detail }));
    onProgress({ step, state: "done", durationMs: durationMs() });
    return result;
  } catch (error) {
    onProgress({ step, state: "failed", durationMs: durationMs() });
    throw explainFullDisk(error, bakeSteps[step]);
  }
}
