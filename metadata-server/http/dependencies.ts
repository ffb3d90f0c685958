import type { ClusterDependencies } from "../clusters/dependencies.ts";
import type { Metrics } from "./metrics.ts";

export interface HttpDependencies {
  clusters: ClusterDependencies;
  /** Of the cluster API. */
  apiToken: string;
  metrics: Metrics;
  /** Aborted when the server stops: held requests are answered and streams end. */
  stopping: AbortSignal;
}
