import { mismatch } from "#api/field-errors.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord } from "../store/records.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { certificateLifetimeMs } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent, hasEnded, toTime } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";

/**
 * Sets the cluster's deletion to `ttlSeconds` from now, whatever was planned before. Throws DomainError `not-found`,
 * `wrong-state`, or `invalid-request` if its certificates would expire earlier.
 */
export async function extendCluster(
  deps: Pick<ClusterDependencies, "store" | "clock">,
  { clusterId, ttlSeconds, by }: { clusterId: string; ttlSeconds: number; by: Actor },
): Promise<ClusterRecord> {
  return decide(deps.store, async () => {
    const cluster = await findCluster(deps, clusterId);
    if (hasEnded(cluster))
      throw new DomainError("wrong-state", `Cannot extend cluster ${cluster.name}: it is ${cluster.state}`);
    const at = deps.clock.now();
    const expiresAt = at + ttlSeconds * 1000;
    refuseBeyondCertificates(cluster, { at, ttlSeconds });
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

/** The oldest certificates of a cluster are as old as the cluster. */
function refuseBeyondCertificates(
  cluster: ClusterRecord,
  { at, ttlSeconds }: { at: number; ttlSeconds: number },
): void {
  const lastMoment = cluster.createdAt + certificateLifetimeMs;
  const most = Math.max(0, Math.floor((lastMoment - at) / 1000));
  if (ttlSeconds <= most) return;
  throw new DomainError("invalid-request", `Cannot extend cluster ${cluster.name}`, {
    errors: [
      {
        pointer: "/ttlSeconds",
        detail: mismatch(`at most ${most}, because certificates expire at ${toTime(lastMoment)}`, ttlSeconds),
      },
    ],
  });
}
