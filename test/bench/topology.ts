import { prepareImage } from "../lab/lab.ts";
import type { BringUpTimes } from "./bring-up-times.ts";
import { measureBringUp } from "./measure-bring-up.ts";
import { median } from "./median.ts";

export interface TopologyBench {
  /** Three control planes and two workers. */
  threeAndTwo: BringUpTimes[];
  oneAndFour: BringUpTimes[];
  /** The median of the pairs, to all Ready. */
  ratio: number;
  goalRatio: 1.3;
}

/** Five machines as 3 + 2 and as 1 + 4, in turns. */
export async function benchTopology({
  rounds,
  onProgress,
}: {
  rounds: number;
  onProgress: (text: string) => void;
}): Promise<TopologyBench> {
  await prepareImage();
  const threeAndTwo: BringUpTimes[] = [];
  const oneAndFour: BringUpTimes[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    onProgress(`topology, round ${round} of ${rounds}`);
    threeAndTwo.push((await measureBringUp({ controlPlanes: 3, workers: 2 })).times);
    oneAndFour.push((await measureBringUp({ controlPlanes: 1, workers: 4 })).times);
  }
  const ratio = median(threeAndTwo.map(({ ready }, round) => ready / (oneAndFour[round]?.ready ?? NaN)));
  return { threeAndTwo, oneAndFour, ratio, goalRatio: 1.3 };
}

/** Prints what was measured, a line each. */
export function printTopology(bench: TopologyBench, print: (line: string) => void): void {
  print("\nTopology: POST to all Ready, and CPU-seconds until then, median (each run)");
  const shapes = { "3 + 2": bench.threeAndTwo, "1 + 4": bench.oneAndFour };
  for (const [shape, times] of Object.entries(shapes))
    for (const [unit, select] of [
      ["s", ({ ready }: BringUpTimes) => ready],
      ["CPU-s", ({ cpuToReady }: BringUpTimes) => cpuToReady],
    ] as const) {
      const all = times.map(select);
      print(`  ${shape}  ${median(all).toFixed(2)} ${unit}  (${all.map((one) => one.toFixed(2)).join(", ")})`);
    }
  print(`  ratio ${bench.ratio.toFixed(2)}, goal ${bench.goalRatio}`);
}
