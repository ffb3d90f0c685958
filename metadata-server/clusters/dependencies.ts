import type { Logger } from "../logger.ts";
import type { MachineProvider } from "../providers/provider.ts";
import type { Store } from "../store/store.ts";
import type { Background } from "./background.ts";
import type { Clock } from "./clock.ts";
import type { RandomBytes } from "./identifiers.ts";
import type { Observer } from "./observer.ts";
import type { RefusalLimiter } from "./refusals.ts";

/** Everything the cluster domain needs of the outside. */
export interface ClusterDependencies {
  store: Store;
  providers: ReadonlyMap<string, MachineProvider>;
  /** The first seals; all open, so that keys can be rotated. */
  serverKeys: readonly Buffer[];
  /** PEM of the authority that machines pin. */
  ca: string;
  baseDomain: string;
  /** Of this server, for firmware and cloud-init, where it has one: nodes keep their pods from it. */
  plainHttpPort?: number | undefined;
  clock: Clock;
  random: RandomBytes;
  background: Background;
  refusals: RefusalLimiter;
  /** How long a deleted cluster can still be asked for. */
  deletedRetentionMs: number;
  observer: Observer;
  logger: Logger;
}
