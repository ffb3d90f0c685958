import { z } from "zod";
import { quoteValue } from "#lib/quote-value.ts";
import { ClusterMachines } from "./cluster-machines.ts";
import { CreateNetwork } from "./create-network.ts";
import { has, implies } from "./implication.ts";
import { SupportedKubernetesVersion } from "./kubernetes-version.ts";
import { Labels } from "./labels.ts";
import { DnsLabel, JoinMode } from "./name.ts";
import { Address } from "./network.ts";
import { maxDeadlineSeconds } from "./node-metadata.ts";
import { maxWorkers, NodePools } from "./node-pool.ts";

const uncounted = { not: { anyOf: [has("controlPlanes"), has("workers"), has("nodePools")] } };
const isHighlyAvailable = { properties: { highAvailability: { const: true } }, ...has("highAvailability") };

/** The same as the rules between fields below, for readers of the OpenAPI document. */
const betweenFields = [
  { anyOf: [has("nodes"), has("controlPlanes")] },
  implies(has("nodes"), uncounted),
  implies(has("highAvailability"), uncounted),
  implies(isHighlyAvailable, { properties: { nodes: { minimum: 3 } } }),
  { not: { required: ["controlPlaneEndpoint", "virtualAddress"] } },
  implies(has("machines"), { properties: { provider: { const: "bare-metal" } } }),
];

/** No address: a control plane resolves the name to its own, so that its kubelet calls its own API server. */
const namedEndpoint = "a DNS name with the API servers' port, NAME:6443";

/** Body of `POST /v1/clusters`: either `nodes`, placed automatically, or `controlPlanes` and `workers`. */
export const CreateCluster = z
  .strictObject({
    name: DnsLabel.max(32, "a name of at most 32 characters")
      .optional()
      .describe("Unique among clusters that are not deleted; invented if absent"),
    kubernetesVersion: SupportedKubernetesVersion.optional().describe(
      "By default the newest that the provider has an image of",
    ),
    nodes: z.int().min(1).max(5000).optional().describe("All nodes; Sprout chooses how many are control planes"),
    controlPlanes: z
      .int()
      .min(1)
      .max(7)
      .optional()
      .meta({ description: "An odd number, instead of `nodes`", enum: [1, 3, 5, 7] }),
    workers: z.int().min(0).max(maxWorkers).optional().describe("In addition to `controlPlanes`; the pool `default`"),
    nodePools: NodePools.optional().describe("Further workers that are alike, in addition to `workers`"),
    highAvailability: z.boolean().optional().describe("Makes three of `nodes` control planes"),
    join: JoinMode.default("certificate").describe(
      "How workers join; control planes always get ready-made certificates",
    ),
    provider: z.string().min(1).max(32).describe("Where the machines come from"),
    ttlSeconds: z
      .int()
      .min(60)
      .max(30 * 86_400)
      .optional()
      .describe("The cluster is deleted this many seconds after the request; never if absent"),
    deadlineSeconds: z.int().min(5).max(maxDeadlineSeconds).default(180).describe("Time to become ready, in seconds"),
    failedTtlSeconds: z.int().min(0).max(86_400).default(900).describe("How long a failed cluster is kept, in seconds"),
    maxUnhealthy: z
      .int()
      .min(0)
      .max(5000)
      .default(0)
      .describe(
        "Members of the ready cluster whose machines have terminated are replaced while there are at most this many",
      ),
    network: CreateNetwork.optional().describe("Sprout's own routes and default subnets if absent"),
    controlPlaneEndpoint: z
      .string(namedEndpoint)
      .max(258, namedEndpoint)
      .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z]([-a-z0-9]*[a-z0-9])?:6443$/, namedEndpoint)
      .optional()
      .describe(
        "`NAME:6443` of an external load balancer for the API servers; by default every worker has one of its own",
      ),
    virtualAddress: Address.or(z.literal("auto"))
      .optional()
      .describe(
        "An unused address of the machines' subnet, which one of the control planes has at any time; `auto` where the provider plans addresses",
      ),
    machines: ClusterMachines.optional().describe("Only with provider `bare-metal`"),
    labels: Labels.optional().describe("Stored with the cluster"),
  })
  .superRefine((body, context) => {
    const total = (body.workers ?? 0) + (body.nodePools ?? []).reduce((sum, { workers }) => sum + workers, 0);
    if (total <= maxWorkers) return;
    const message = `a sum of at most ${maxWorkers} with workers`;
    context.addIssue({ code: "custom", path: ["nodePools"], message, params: { got: String(total) } });
  })
  .superRefine(
    (body, context) => {
      const refuse = (field: string, expected: string, got: unknown) =>
        context.addIssue({ code: "custom", path: [field], message: expected, params: { got } });
      const { nodes, controlPlanes, workers, highAvailability } = body;
      const counted = controlPlanes === undefined ? (workers === undefined ? undefined : "workers") : "controlPlanes";
      if (nodes === undefined && controlPlanes === undefined) refuse("nodes", "nodes or controlPlanes", "neither");
      if (nodes !== undefined && counted !== undefined)
        refuse("nodes", "either nodes, or controlPlanes and workers", "both");
      if (body.nodePools !== undefined && nodes !== undefined)
        refuse("nodePools", "nodePools only with controlPlanes", "nodes");
      if (body.machines !== undefined && body.provider !== "bare-metal")
        refuse("machines", 'machines only with provider "bare-metal"', quoteValue(body.provider));
      if (body.controlPlaneEndpoint !== undefined && body.virtualAddress !== undefined)
        refuse("virtualAddress", "either controlPlaneEndpoint or virtualAddress", "both");
      if (highAvailability !== undefined && counted !== undefined)
        refuse("highAvailability", "highAvailability only with nodes", counted);
      if (highAvailability === true && nodes !== undefined && nodes < 3)
        refuse("nodes", "at least 3 nodes with highAvailability", quoteValue(nodes));
      if (controlPlanes !== undefined && controlPlanes % 2 === 0)
        refuse("controlPlanes", "an odd number, so that etcd keeps a quorum", quoteValue(controlPlanes));
    },
    // Even if single fields are invalid, so that one answer has every error.
    { when: ({ value }) => typeof value === "object" && value !== null },
  )
  .meta({ id: "CreateCluster", allOf: betweenFields });
export type CreateCluster = z.infer<typeof CreateCluster>;
