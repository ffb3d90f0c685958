import type { ClusterDependencies } from "../clusters/dependencies.ts";

/** What the inventory depends on. */
export type MachineDependencies = Pick<
  ClusterDependencies,
  "store" | "serverKeys" | "clock" | "random" | "observer" | "logger" | "inTurn"
>;
