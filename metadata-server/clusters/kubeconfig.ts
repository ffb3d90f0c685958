import { DomainError } from "../errors.ts";
import { mintUserKubeconfig } from "../pki/user-kubeconfig.ts";
import type { ClusterRecord } from "../store/records.ts";
import { auditAllowed, type Origin } from "./audit.ts";
import { openAuthorities } from "./cluster-secrets.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";

/** A short-lived kubeconfig (YAML) of its own for each call, told on the timeline. Throws DomainError `not-found` or `not-ready`. */
export async function issueKubeconfig(
  deps: ClusterDependencies,
  { clusterId, ttlSeconds, by }: { clusterId: string; ttlSeconds: number; by: Origin },
): Promise<string> {
  const cluster = await findCluster(deps, clusterId);
  // The endpoint's name is known inside the cluster only; the address is in the certificate as well.
  const address = await firstAddress(deps, cluster);
  if (cluster.state !== "ready" || address === null)
    throw new DomainError(
      "not-ready",
      `Cluster ${cluster.name} is ${cluster.state}; a kubeconfig is issued once it is ready`,
      { refused: { clusterId, member: null } },
    );
  const now = deps.clock.now();
  const kubeconfig = mintUserKubeconfig(await openAuthorities(deps, cluster), {
    clusterName: cluster.name,
    server: `https://${address}:6443`,
    user: "sprout-api",
    ttlMs: ttlSeconds * 1000,
    now,
  });
  const message = `Kubeconfig issued for ${ttlSeconds} s`;
  await deps.store.commit({
    events: [clusterEvent(cluster.id, { state: cluster.state, at: now, message })],
    audit: [auditAllowed(by, { action: "kubeconfig-issue", at: now, clusterId, detail: message })],
  });
  return kubeconfig;
}

/** Of the control planes whose machines are there still. */
async function firstAddress(
  { store }: Pick<ClusterDependencies, "store">,
  { id, controlPlanes }: ClusterRecord,
): Promise<string | null> {
  for (const { name, address } of controlPlanes)
    if (address !== null && (await store.member(id, name))?.endedAt === undefined) return address;
  return null;
}
