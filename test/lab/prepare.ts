import { bakeSteps, type BakeProgress } from "../../images/progress.ts";
import { reapDeadLabs } from "./lab-folders.ts";
import { prepareImage, whyNoMachines } from "./lab.ts";

/**
 * Before the first end-to-end test: removes leftovers of killed runs and bakes the image, with a line for each step,
 * because a first bake takes minutes.
 */
export async function setup(): Promise<void> {
  if (whyNoMachines() !== null) return;
  await reapDeadLabs();
  await prepareImage(printBakeProgress);
}

export function printBakeProgress(progress: BakeProgress): void {
  const step = bakeSteps[progress.step];
  if (progress.state === "working") process.stderr.write(`  ${step}: ${progress.detail}\n`);
  else if (progress.state === "done") process.stderr.write(`${step}: ${(progress.durationMs / 1000).toFixed(1)} s\n`);
  else process.stderr.write(`${step}: ${progress.state}\n`);
}
