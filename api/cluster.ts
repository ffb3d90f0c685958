import { z } from "zod";
import { Labels } from "./labels.ts";
import { Member } from "./member.ts";
import { ClusterId, DnsLabel, JoinMode, KubernetesVersion } from "./name.ts";
import { Network } from "./network.ts";
import { queryInteger } from "./query.ts";
import { MissingPeer } from "./report.ts";

/** Body of `PATCH /v1/clusters/:id`: sets the time after which the cluster is deleted. */
export const ExtendCluster = z
  .strictObject({ ttlSeconds: z.int().min(60).describe("The cluster is deleted this long after the request") })
  .meta({ id: "ExtendCluster" });
export type ExtendCluster = z.infer<typeof ExtendCluster>;

export const ClusterState = z
  .enum(["pending", "provisioning", "bootstrapping", "ready", "failed", "deleting", "deleted"])
  .meta({ id: "ClusterState" });
export type ClusterState = z.infer<typeof ClusterState>;

export const ClusterFailure = z
  .strictObject({ message: z.string(), missing: z.array(MissingPeer).optional() })
  .meta({ id: "ClusterFailure" });
export type ClusterFailure = z.infer<typeof ClusterFailure>;

export const Cluster = z
  .strictObject({
    id: ClusterId,
    name: DnsLabel,
    state: ClusterState,
    failure: ClusterFailure.nullable(),
    kubernetesVersion: KubernetesVersion,
    provider: z.string(),
    join: JoinMode,
    endpoint: z.string(),
    network: Network,
    labels: Labels,
    /** Terminated workers are replaced while there are at most this many. */
    maxUnhealthy: z.int(),
    deadlineSeconds: z.int(),
    failedTtlSeconds: z.int(),
    createdAt: z.iso.datetime(),
    /** The deadline starts when the first control plane first gets its metadata. */
    deadlineAt: z.iso.datetime().nullable(),
    /** When the API server first reported every peer as a Ready Node. */
    readyAt: z.iso.datetime().nullable(),
    /** When kube-proxy ran and a probe pod answered on every node as well. */
    availableAt: z.iso.datetime().nullable(),
    failedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    /** Which members a ready cluster lacks, and why; null if it lacks none. */
    degraded: z.string().nullable(),
    members: z.array(Member),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof Cluster>;

export const ClusterSummary = Cluster.omit({ members: true, degraded: true })
  .extend({ nodes: z.int().positive() })
  .meta({ id: "ClusterSummary" });
export type ClusterSummary = z.infer<typeof ClusterSummary>;

export const ClusterList = z
  .strictObject({ clusters: z.array(ClusterSummary), next: z.string().nullable() })
  .meta({ id: "ClusterList" });

export const ListClustersQuery = z
  .strictObject({
    state: ClusterState.optional().describe("Deleted clusters are listed only with `deleted`"),
    name: DnsLabel.optional(),
    limit: queryInteger(1, 500).default(100).describe("Clusters on the page; 100 by default"),
    after: ClusterId.optional().describe("`next` of the last page"),
  })
  .meta({ id: "ListClustersQuery" });

export const KubeconfigQuery = z
  .strictObject({
    ttlSeconds: queryInteger(60, 86_400).default(3600).describe("Life of the client certificate; 3600 by default"),
  })
  .meta({ id: "KubeconfigQuery" });
