import type { BootAssets } from "../boot/boot-assets.ts";
import type { BootstrapperExecutables } from "../cloud-init/bootstrapper-executables.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import type { OpenPowerDriver } from "../machines/open-power-driver.ts";
import type { Metrics } from "./metrics.ts";

export interface HttpDependencies {
  clusters: ClusterDependencies;
  openPowerDriver: OpenPowerDriver;
  /** Of the cluster API. */
  apiToken: string;
  metrics: Metrics;
  /** Aborted when the server stops: held requests are answered and streams end. */
  stopping: AbortSignal;
}

/** Of the surfaces on plain HTTP. */
export interface PlainDependencies extends Omit<HttpDependencies, "openPowerDriver"> {
  assets: BootAssets;
  executables: BootstrapperExecutables;
  /** Of the node API, on the same host. */
  apiPort: number;
  /** Names and addresses that the server's certificate is valid for. */
  hosts: readonly string[];
}
