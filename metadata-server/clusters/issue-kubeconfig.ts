import { DomainError } from "../errors.ts";
import { mintUserKubeconfig } from "../pki/user-kubeconfig.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { findControlPlanes } from "./cluster-access.ts";
import { openAuthorities } from "./cluster-secrets.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { clusterEvent } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";

/**
 * Issues a short-lived kubeconfig (YAML), another one for each call, and records it on the timeline. Throws DomainError
 * `not-found` or `not-ready`.
 */
export async function issueKubeconfig(
  deps: ClusterDependencies,
  { clusterId, ttlSeconds, by }: { clusterId: string; ttlSeconds: number; by: Actor },
): Promise<string> {
  const cluster = await findCluster(deps, clusterId);
  const controlPlanes = await findControlPlanes(deps, cluster);
  // Only nodes can resolve any other endpoint's name. The certificate is valid for the address as well.
  const { hasExternalEndpoint, virtualAddress } = cluster;
  const shared = hasExternalEndpoint ? cluster.endpoint : virtualAddress && `${virtualAddress}:6443`;
  const endpoint = shared === undefined ? [] : [{ name: "endpoint", url: `https://${shared}` }];
  const [first, ...others] = [
    ...endpoint,
    ...controlPlanes.map(({ name, address }) => ({ name: name.split(".")[0] ?? name, url: `https://${address}:6443` })),
  ];
  if (cluster.state !== "ready" || first === undefined)
    throw new DomainError(
      "not-ready",
      `Cluster ${cluster.name} is ${cluster.state}; a kubeconfig is issued once it is ready`,
      { refused: { clusterId, member: null } },
    );
  const now = deps.clock.now();
  const kubeconfig = mintUserKubeconfig(await openAuthorities(deps, cluster), {
    clusterName: cluster.name,
    servers: [first, ...others],
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
