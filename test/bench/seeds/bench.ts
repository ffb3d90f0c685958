import { join } from "node:path";
import { type Comparison, compareWithBare } from "../compare.ts";

export interface SeedsBench {
  /** Requests; a whole seed is `filesPerSeed` of them. */
  sizes: Comparison[];
  filesPerSeed: number;
  goalRatio: number;
  goalP99Ms: number;
}

/** NoCloud seeds as Debian's cloud-init fetches them, from clusters with several numbers of members in all. */
export async function benchSeeds(options: {
  sizes: readonly number[];
  secondsPerRun: number;
  onProgress: (text: string) => void;
}): Promise<SeedsBench> {
  const server = join(import.meta.dirname, "server.ts");
  const sizes = await compareWithBare({ ...options, what: "seeds", server });
  return { sizes, filesPerSeed: 3, goalRatio: 0.8, goalP99Ms: 50 };
}
