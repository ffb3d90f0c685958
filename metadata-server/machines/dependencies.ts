import type { ClusterDependencies } from "../clusters/dependencies.ts";

/** What the inventory needs of the outside. */
export type MachineDependencies = Pick<
  ClusterDependencies,
  "store" | "serverKeys" | "clock" | "random" | "observer" | "logger"
>;
