import type { ClusterDependencies } from "./dependencies.ts";
import { reapStrays } from "./reap-strays.ts";
import { resumeWork } from "./resume-work.ts";

/**
 * Resumes interrupted launches, detachments and deletions after a start, and terminates machines that no cluster owns.
 * If no other server can use the store, it must end before the first request is served, or it could take a new machine
 * for a stray.
 */
export async function reconcile(deps: ClusterDependencies): Promise<void> {
  await resumeWork(deps);
  if (!deps.store.isShared) return reapStrays(deps, AbortSignal.any([]));
  deps.background.start("strays", (signal) =>
    deps.leases.wait({ name: "strays", signal }, (leased) => reapStrays(deps, leased.signal)),
  );
}
