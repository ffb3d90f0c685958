import { z } from "zod";

export const seriesNames = ["simulated", "real", "real-faults"] as const;
export type SeriesName = (typeof seriesNames)[number];

/** One cluster that was brought up, from its request to its verdict. */
export const Trial = z.strictObject({
  series: z.enum(seriesNames),
  /** Decides shape and faults: the same seed is the same trial. */
  seed: z.int().positive(),
  provider: z.string(),
  kubernetesVersion: z.string(),
  nodes: z.int().positive(),
  /** Faults that took place. */
  faults: z.array(z.string()),
  /** Seconds from the request until every node was Ready; null if the cluster failed. */
  readySeconds: z.number().nullable(),
  /** The same until DNS answered on every node; null also where there are no pods. */
  availableSeconds: z.number().nullable(),
  /** Of all the host's processors since the trial before, other programs included. */
  cpuSeconds: z.number(),
  /** Why the cluster had to fail, such as a machine that was lost: this is no failure of Sprout. Null if it had not. */
  unavoidable: z.string().nullable(),
  /** Why it failed, or which promise was broken; null if all is well. */
  failure: z.string().nullable(),
});
export type Trial = z.infer<typeof Trial>;

/** How to play a trial again. */
export const replay = ({ series, seed }: Pick<Trial, "series" | "seed">): string =>
  series === "simulated"
    ? `npm run simulate -- --seed ${seed}`
    : `npm run prove -- --seed ${seed} --simulated 0 --real ${series === "real" ? 1 : 0} --real-faults ${series === "real" ? 0 : 1}`;
