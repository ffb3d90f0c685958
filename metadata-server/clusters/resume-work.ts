import { messageOf } from "#lib/errors.ts";
import { repeat } from "./background.ts";
import { startDeletion } from "./delete-cluster.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { startDetachment } from "./detachment.ts";
import { isElsewhere } from "./is-elsewhere.ts";
import { hasEnded } from "./lifecycle.ts";
import { liveClusters } from "./queries.ts";
import { isUnlaunched, startRelaunch } from "./relaunch.ts";

const intervalMs = 5000;

/**
 * Starts every launch, detachment and deletion that is not done. Work that another server is at stays its own. What it
 * reads becomes the snapshot.
 */
export async function resumeWork(deps: ClusterDependencies): Promise<void> {
  const copy = deps.snapshot?.begin();
  for await (const cluster of liveClusters(deps.store)) {
    const members = await deps.store.members(cluster.id);
    copy?.add(cluster, members);
    // Its own server does its work.
    if (isElsewhere(deps, cluster)) continue;
    if (cluster.state === "deleting") startDeletion(deps, cluster.id);
    for (const { name, detachment } of members)
      if (detachment !== undefined) startDetachment(deps, { clusterId: cluster.id, name });
    const isLaunchedHere = deps.providers.get(cluster.provider)?.userDataServerUrl === undefined;
    if (isLaunchedHere && !hasEnded(cluster) && members.some(isUnlaunched)) startRelaunch(deps, cluster.id);
  }
  copy?.done();
}

/** Takes up the work of servers that have stopped, a few seconds after their leases end. */
export async function watchAbandoned(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  const onFailure = (error: unknown) => logger.error("Cannot look for work; retrying", { error: messageOf(error) });
  await repeat(() => resumeWork(deps), { clock, intervalMs, signal, onFailure });
}
