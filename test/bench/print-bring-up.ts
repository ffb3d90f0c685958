import type { BringUpBench } from "./bring-up.ts";
import { median } from "./median.ts";

/** The median, and each run. */
export const inSeconds = (all: readonly number[]): string =>
  `${median(all).toFixed(2)} s  (${all.map((one) => one.toFixed(2)).join(", ")})`;

/** Prints what was measured, a line each. */
export function printBringUp(bench: BringUpBench, print: (line: string) => void): void {
  const { sizes, goals } = bench;
  print(`\nBring-up: Kubernetes ${bench.kubernetesVersion} in nspawn machines, median (each run)`);
  for (const { workers, sprout, reference, ratioToReady, ratioToDns } of sizes) {
    print(`  1 + ${workers}`);
    for (const [what, field] of [
      ["POST to all Ready", "ready"],
      ["CPU-seconds until then", "cpuToReady"],
      ["POST to DNS on every node", "dns"],
      ["CPU-seconds until then", "cpuToDns"],
    ] as const) {
      print(`    ${what.padEnd(28)}${inSeconds(sprout.map((times) => times[field]))}`);
      print(`    ${"  by hand with kubeadm".padEnd(28)}${inSeconds(reference.map((times) => times[field]))}`);
    }
    print(`    ratio to Ready ${ratioToReady.toFixed(3)}, goal ${goals.ratioToReady}`);
    print(`    ratio to DNS   ${ratioToDns.toFixed(3)}, goal ${goals.ratioToDns}`);
  }
  print(`  slowest worker, without its wait  ${inSeconds(bench.worker)}`);
  print(
    `  bootstrapper's own time, worst    ${inSeconds(bench.bootstrapperOwn)}   goal ${goals.bootstrapperOwnSeconds} s`,
  );
}
