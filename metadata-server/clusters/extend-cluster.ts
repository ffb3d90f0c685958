import { DomainError } from "../errors.ts";
import type { ClusterRecord } from "../store/records.ts";
import { auditAllowed, type Origin } from "./audit.ts";
import { certificateLifetimeMs } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent, isOver, toTime } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";

/**
 * The cluster is deleted `ttlSeconds` from now, whatever was planned before: asking again only counts from later.
 * Throws DomainError `not-found`, `wrong-state`, or `invalid-request` where its certificates would not last so long.
 */
export async function extendCluster(
  deps: Pick<ClusterDependencies, "store" | "clock">,
  { clusterId, ttlSeconds, by }: { clusterId: string; ttlSeconds: number; by: Origin },
): Promise<ClusterRecord> {
  return decide(deps.store, async () => {
    const cluster = await findCluster(deps, clusterId);
    if (isOver(cluster))
      throw new DomainError("wrong-state", `Cannot extend cluster ${cluster.name}: it is ${cluster.state}`);
    const at = deps.clock.now();
    const expiresAt = at + ttlSeconds * 1000;
    refuseBeyondCertificates(cluster, { at, expiresAt });
    const message = `Time to live now ends at ${toTime(expiresAt)}`;
    return {
      changes: {
        clusters: [{ ...cluster, expiresAt }],
        events: [clusterEvent(cluster.id, { state: cluster.state, at, message })],
        audit: [auditAllowed(by, { action: "cluster-extend", at, clusterId, detail: message })],
      },
      result: { ...cluster, expiresAt, version: cluster.version + 1 },
    };
  });
}

/** The oldest certificates of a cluster are as old as itself. */
function refuseBeyondCertificates(cluster: ClusterRecord, { at, expiresAt }: { at: number; expiresAt: number }): void {
  const lastMoment = cluster.createdAt + certificateLifetimeMs;
  if (expiresAt <= lastMoment) return;
  const most = Math.max(0, Math.floor((lastMoment - at) / 1000));
  throw new DomainError("invalid-request", `Cannot extend cluster ${cluster.name}`, {
    errors: [{ pointer: "/ttlSeconds", detail: `must be ${most} at most: certificates end at ${toTime(lastMoment)}` }],
  });
}
