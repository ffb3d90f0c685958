import { join } from "node:path";
import { type Comparison, compareWithBare } from "../compare.ts";

export interface BootBench {
  sizes: Comparison[];
  goalRatio: number;
  goalP99Ms: number;
}

/** iPXE's request every few seconds while it waits, with inventories of several sizes. */
export async function benchBoot(options: {
  sizes: readonly number[];
  secondsPerRun: number;
  onProgress: (text: string) => void;
}): Promise<BootBench> {
  const server = join(import.meta.dirname, "server.ts");
  const sizes = await compareWithBare({ ...options, what: "boot scripts", server });
  return { sizes, goalRatio: 0.8, goalP99Ms: 50 };
}
