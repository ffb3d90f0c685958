import type { BootAssets } from "../boot/boot-assets.ts";
import type { BootstrapperExecutables } from "../cloud-init/bootstrapper-executables.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import type { ListenerLimits } from "../limits/listener-limits.ts";
import type { OpenPowerDriver } from "../machines/open-power-driver.ts";
import type { Metrics } from "./metrics.ts";

export interface HttpDependencies {
  clusters: ClusterDependencies;
  openPowerDriver: OpenPowerDriver;
  /** Token of the cluster API. */
  apiToken: string;
  metrics: Metrics;
  limits: ListenerLimits;
  /** Aborted when the server stops: held requests get their answer and streams end. */
  stopping: AbortSignal;
  /** How far this host's clock is ahead of the store's, in ms; 0 by default. */
  clockSkewMs?: (() => number) | undefined;
}

/** Dependencies of the surfaces on plain HTTP. */
export interface PlainDependencies extends Omit<HttpDependencies, "openPowerDriver"> {
  assets: BootAssets;
  executables: BootstrapperExecutables;
  /** Port of the node API, on the same host. */
  apiPort: number;
  /** Names and addresses for which the server's certificate is valid. */
  hosts: readonly string[];
}
