import { z } from "zod";
import { ClusterMachines } from "./cluster-machines.ts";
import { CreateNetwork } from "./create-network.ts";
import { SupportedKubernetesVersion } from "./kubernetes-version.ts";
import { Labels } from "./labels.ts";
import { Member } from "./member.ts";
import { ClusterId, DnsLabel, JoinMode, KubernetesVersion } from "./name.ts";
import { Network } from "./network.ts";
import { maxDeadlineSeconds } from "./node-metadata.ts";
import { MissingPeer } from "./report.ts";
import { waitConditions } from "./wait.ts";

/** Body of `POST /v1/clusters`: either `nodes`, placed automatically, or `controlPlanes` and `workers`. */
export const CreateCluster = z
  .strictObject({
    name: DnsLabel.max(32).optional(),
    kubernetesVersion: SupportedKubernetesVersion.optional(),
    nodes: z.int().min(1).max(5000).optional(),
    controlPlanes: z.int().min(1).max(7).optional(),
    workers: z.int().min(0).max(5000).optional(),
    highAvailability: z.boolean().optional(),
    /** How workers join; control planes always have their certificates ready-made. */
    join: JoinMode.default("certificate"),
    provider: z.string().min(1).max(32),
    ttlSeconds: z
      .int()
      .min(60)
      .max(30 * 86_400)
      .optional(),
    deadlineSeconds: z.int().min(5).max(maxDeadlineSeconds).default(180),
    failedTtlSeconds: z.int().min(0).max(86_400).default(900),
    network: CreateNetwork.optional(),
    machines: ClusterMachines.optional(),
    labels: Labels.optional(),
  })
  .superRefine(
    (body, context) => {
      const explicit = body.controlPlanes !== undefined || body.workers !== undefined;
      if (body.nodes === undefined && body.controlPlanes === undefined)
        context.addIssue({ code: "custom", path: ["nodes"], message: "is required unless controlPlanes is given" });
      if (body.nodes !== undefined && explicit)
        context.addIssue({ code: "custom", path: ["nodes"], message: "excludes controlPlanes and workers" });
      if (body.machines !== undefined && body.provider !== "bare-metal")
        context.addIssue({ code: "custom", path: ["machines"], message: 'goes with provider "bare-metal" only' });
      if (body.highAvailability !== undefined && explicit)
        context.addIssue({ code: "custom", path: ["highAvailability"], message: "goes with nodes only" });
      if (body.highAvailability === true && body.nodes !== undefined && body.nodes < 3)
        context.addIssue({ code: "custom", path: ["nodes"], message: "must be at least 3 with highAvailability" });
      if (body.controlPlanes !== undefined && body.controlPlanes % 2 === 0)
        context.addIssue({
          code: "custom",
          path: ["controlPlanes"],
          message: "must be odd, so that etcd keeps a quorum",
        });
    },
    // Also where single fields are wrong, so that every error is told at once.
    { when: ({ value }) => typeof value === "object" && value !== null },
  )
  .meta({ id: "CreateCluster" });
export type CreateCluster = z.infer<typeof CreateCluster>;

/** Body of `PATCH /v1/clusters/:id`: the cluster is deleted that long after this request. */
export const ExtendCluster = z.strictObject({ ttlSeconds: z.int().min(60) }).meta({ id: "ExtendCluster" });
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
    deadlineSeconds: z.int(),
    failedTtlSeconds: z.int(),
    createdAt: z.iso.datetime(),
    /** The deadline starts when the first control plane's metadata is first answered. */
    deadlineAt: z.iso.datetime().nullable(),
    /** Every peer a Ready Node, asked of the API server. */
    readyAt: z.iso.datetime().nullable(),
    /** Also kube-proxy up and a probe pod answering on every node. */
    availableAt: z.iso.datetime().nullable(),
    failedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    members: z.array(Member),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof Cluster>;

export const ClusterSummary = Cluster.omit({ members: true })
  .extend({ nodes: z.int().positive() })
  .meta({ id: "ClusterSummary" });
export type ClusterSummary = z.infer<typeof ClusterSummary>;

export const ClusterList = z
  .strictObject({ clusters: z.array(ClusterSummary), next: z.string().nullable() })
  .meta({ id: "ClusterList" });

const queryInteger = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));

export const ListClustersQuery = z
  .strictObject({
    state: ClusterState.optional(),
    name: DnsLabel.optional(),
    limit: queryInteger(1, 500).default(100),
    after: ClusterId.optional(),
  })
  .meta({ id: "ListClustersQuery" });

/** `?wait=ready&timeout=60`: answered when the cluster is ready or cannot become so, or after `timeout` seconds. */
export const GetClusterQuery = z
  .strictObject({
    wait: z.enum(waitConditions).optional(),
    timeout: queryInteger(1, 300).default(60),
  })
  .meta({ id: "GetClusterQuery" });

export const KubeconfigQuery = z
  .strictObject({ ttlSeconds: queryInteger(60, 86_400).default(3600) })
  .meta({ id: "KubeconfigQuery" });
