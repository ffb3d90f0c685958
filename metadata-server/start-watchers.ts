import { watchDeadlines } from "./clusters/deadlines.ts";
import type { ClusterDependencies } from "./clusters/dependencies.ts";
import { watchStrays } from "./clusters/reap-strays.ts";
import { watchDeleted } from "./clusters/purge.ts";
import { watchCounts } from "./clusters/refusals.ts";
import { watchAbandoned } from "./clusters/resume-work.ts";
import { watchMachines } from "./clusters/watch-machines.ts";

/** Starts what is done all the time: by every server for itself, or by one of those that share the store. */
export function startWatchers(clusters: ClusterDependencies): void {
  const { background, leases, store } = clusters;
  const watchAlone = (name: string, watch: (deps: ClusterDependencies, signal: AbortSignal) => Promise<void>) =>
    background.start(name, (signal) =>
      leases.keep({ name, signal }, (leased) => watch({ ...clusters, store: leased.store }, leased.signal)),
    );
  watchAlone("deadlines", watchDeadlines);
  watchAlone("purge", watchDeleted);
  background.start("machines", (signal) => watchMachines(clusters, signal));
  background.start("counts", (signal) => watchCounts(clusters, signal));
  if (!store.isShared) return;
  background.start("abandoned work", (signal) => watchAbandoned(clusters, signal));
  background.start("strays", (signal) => watchStrays(clusters, signal));
}
