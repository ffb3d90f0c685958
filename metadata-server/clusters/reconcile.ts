import type { ClusterDependencies } from "./dependencies.ts";
import { reapStrays } from "./reap-strays.ts";
import { resumeWork } from "./resume-work.ts";

/**
 * Resumes interrupted launches, detachments and deletions after a start, and terminates machines that no cluster owns.
 * If no other server can use the store, it must end before the first request is served, or it could take a new machine
 * for a stray. On a shared store strays are left to `watchStrays`.
 */
export async function reconcile(deps: ClusterDependencies): Promise<void> {
  await resumeWork(deps);
  if (!deps.store.isShared) await reapStrays(deps);
}
