import type { Role } from "#api/name.ts";
import type { Listener } from "#api/node-metadata.ts";
import type { Phase } from "#api/phase.ts";
import type { Clock } from "#lib/clock.ts";
import type { OpenKubernetesApi } from "../kubernetes/api-client.ts";
import type { Logger } from "../logger.ts";
import type { MachineProvider } from "../providers/provider.ts";
import type { Store } from "../store/store.ts";
import type { Background } from "./background.ts";
import type { RandomBytes } from "./identifiers.ts";
import type { Leases } from "./leases.ts";
import type { RefusalLimiter } from "./refusal-limiter.ts";
import type { RepeatLimiter } from "./repeat-limiter.ts";
import type { Snapshot } from "./snapshot.ts";

/** Counts operations. `http/metrics.ts` publishes them. */
export interface Observer {
  alert(code: string): void;
  /** Seconds from the request to the proof that every node is Ready. */
  clusterReady(seconds: number): void;
  phaseDone(phase: Phase, observation: { role: Role; seconds: number }): void;
  /** A survey of a provider's machines failed, and will be retried. */
  surveyFailed(provider: string): void;
}

/** Everything that the cluster domain needs from outside. */
export interface ClusterDependencies {
  store: Store;
  providers: ReadonlyMap<string, MachineProvider>;
  /** The first one seals. All of them open, so that keys can be rotated. */
  serverKeys: readonly Buffer[];
  /** PEM of the authority that machines pin. */
  ca: string;
  baseDomain: string;
  /** Where the server listens, by the addresses that it is known by. Nodes block their pods from them. */
  listeners?: readonly Listener[] | undefined;
  /** The server's plain HTTP port for firmware and cloud-init, if it has one. */
  plainHttpPort?: number | undefined;
  openKubernetesApi: OpenKubernetesApi;
  clock: Clock;
  random: RandomBytes;
  background: Background;
  /** For reads while the store is away; absent for a store that cannot be away. */
  snapshot?: Snapshot | undefined;
  /** Decide which server does a piece of background work. */
  leases: Leases;
  refusals: RefusalLimiter;
  repeats: RepeatLimiter;
  /** Runs decisions one after the other that would otherwise conflict with each other. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** How long a deleted cluster can still be read. */
  deletedRetentionMs: number;
  observer: Observer;
  logger: Logger;
}
