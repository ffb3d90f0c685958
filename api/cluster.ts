import { z } from "zod";
import { Labels } from "./labels.ts";
import { Member } from "./member.ts";
import { ClusterId, DnsLabel, JoinMode, KubernetesVersion } from "./name.ts";
import { Network } from "./network.ts";
import { ClusterNodePool, NodePoolStatus } from "./node-pool.ts";
import { queryInteger } from "./query.ts";
import { MissingPeer } from "./report.ts";

/** Body of `PATCH /v1/clusters/:id`: sets the time after which the cluster is deleted. */
export const ExtendCluster = z
  .strictObject({ ttlSeconds: z.int().min(60).describe("The cluster is deleted this long after the request") })
  .meta({ id: "ExtendCluster" });
export type ExtendCluster = z.infer<typeof ExtendCluster>;

export const ClusterState = z
  .enum(["pending", "provisioning", "bootstrapping", "ready", "failed", "deleting", "deleted"])
  .meta({
    id: "ClusterState",
    description:
      "`pending` until machines are started, `bootstrapping` once the first control plane has its metadata, then `ready` or `failed`",
  });
export type ClusterState = z.infer<typeof ClusterState>;

export const ClusterFailure = z
  .strictObject({
    message: z.string().describe("What failed, and why"),
    missing: z
      .array(MissingPeer)
      .optional()
      .describe("Nodes that a deadline found missing; absent if the cluster failed for another reason"),
  })
  .meta({ id: "ClusterFailure" });
export type ClusterFailure = z.infer<typeof ClusterFailure>;

export const Cluster = z
  .strictObject({
    id: ClusterId,
    name: DnsLabel.describe("From the request, or invented; unique among clusters that are not deleted"),
    state: ClusterState,
    failure: ClusterFailure.nullable().describe("Why the cluster failed; null if it never did"),
    kubernetesVersion: KubernetesVersion,
    provider: z.string().describe("Where its machines come from, such as `nspawn`"),
    join: JoinMode,
    endpoint: z.string().describe("`host:port` by which nodes reach the API server"),
    network: Network.describe("Subnets, and how pods reach each other"),
    labels: Labels.describe("Labels of the request; empty if it had none"),
    nodePools: z.array(NodePoolStatus).describe("`default` first, then those of the request"),
    maxUnhealthy: z.int().describe("Terminated members are replaced while there are at most this many"),
    deadlineSeconds: z.int().describe("Time to become ready, and the time of each worker that is attached later"),
    failedTtlSeconds: z.int().describe("How long a failed cluster is kept"),
    createdAt: z.iso.datetime().describe("When the server planned the cluster, by its clock as all times here"),
    deadlineAt: z.iso
      .datetime()
      .nullable()
      .describe("End of `deadlineSeconds`; null until the first control plane first gets its metadata"),
    readyAt: z.iso
      .datetime()
      .nullable()
      .describe("When the API server first reported every peer as a Ready Node; null until then"),
    availableAt: z.iso
      .datetime()
      .nullable()
      .describe("When kube-proxy ran and a probe pod answered on every node as well; null until then"),
    failedAt: z.iso.datetime().nullable().describe("Time of the failure; null if there was none"),
    expiresAt: z.iso
      .datetime()
      .nullable()
      .describe("When the time to live ends and the cluster is deleted; null if it has none"),
    degraded: z
      .string()
      .nullable()
      .describe(
        "Which members have failed or have a problem, and why; null if all are well, or the state is not `ready`",
      ),
    members: z.array(Member).describe("Every planned node, control planes first"),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof Cluster>;

export const ClusterSummary = Cluster.omit({ members: true, degraded: true })
  .extend({
    nodePools: z.array(ClusterNodePool).describe("`default` first, then those of the request"),
    nodes: z.int().positive().describe("How many members the cluster has"),
  })
  .meta({ id: "ClusterSummary" });
export type ClusterSummary = z.infer<typeof ClusterSummary>;

export const ClusterList = z
  .strictObject({
    clusters: z.array(ClusterSummary).describe("Newest first"),
    next: z.string().nullable().describe("`after` of the next page; null on the last one"),
  })
  .meta({ id: "ClusterList" });

export const ListClustersQuery = z
  .strictObject({
    state: ClusterState.optional().describe("Deleted clusters are listed only with `deleted`"),
    name: DnsLabel.optional().describe("Only clusters of this name"),
    limit: queryInteger(1, 500).default(100).describe("Clusters on the page; 100 by default"),
    after: ClusterId.optional().describe("`next` of the last page"),
  })
  .meta({ id: "ListClustersQuery" });

export const KubeconfigQuery = z
  .strictObject({
    ttlSeconds: queryInteger(60, 86_400).default(3600).describe("Life of the client certificate; 3600 by default"),
  })
  .meta({ id: "KubeconfigQuery" });
