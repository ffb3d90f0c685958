import { z } from "zod";
import { quoteValue } from "#lib/quote-value.ts";
import { MachineRequirements } from "./cluster-machines.ts";
import { ImageName } from "./image-name.ts";
import { DnsLabel } from "./name.ts";

/** The pool of plain `workers`, which every cluster has. */
export const defaultNodePool = "default";

/** Few, because a cluster's record has all of them. */
const maxNodePools = 16;

/** Of a cluster, in all its pools. */
export const maxWorkers = 5000;

/** The label of a Node that names its pool. The kubelet sets it: NodeRestriction reserves only Kubernetes' own prefixes. */
export const nodePoolLabel = "sprout.internal/node-pool";

export const NodePoolName = DnsLabel.max(32, "a name of at most 32 characters").meta({
  id: "NodePoolName",
  description: "Unique among the cluster's node pools; `default` is the pool of plain `workers`",
});

/** Requirements on the machines of a pool, for provider `bare-metal`. */
const NodePoolMachines = MachineRequirements.extend({
  install: z.boolean().default(false).describe("Installs its workers to a disk; otherwise they run from memory"),
}).meta({ id: "NodePoolMachines" });
export type NodePoolMachines = z.output<typeof NodePoolMachines>;

export const InstanceType = z
  .string("an instance type such as m6i.large")
  .max(64)
  .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/);

/** A node pool as it is asked for: workers that are alike. */
export const NodePool = z
  .strictObject({
    name: NodePoolName.refine((name) => name !== defaultNodePool, {
      error: 'a name other than "default", which is the pool of workers',
    }).describe("Its Nodes have it as the label `sprout.internal/node-pool`"),
    workers: z.int().min(0).max(maxWorkers).describe("How many workers it has"),
    image: ImageName.optional().describe("That its machines boot; the default image if absent"),
    instanceTypes: z
      .array(InstanceType)
      .min(1)
      .max(16)
      .optional()
      .describe("Only with provider `ec2`: of those that the server allows, in order of preference"),
    machines: NodePoolMachines.optional().describe("Only with provider `bare-metal`; any free machine if absent"),
  })
  .meta({ id: "NodePool" });
export type NodePool = z.output<typeof NodePool>;

export const NodePools = z
  .array(NodePool)
  .max(maxNodePools)
  .superRefine((pools, context) => {
    for (const [index, { name }] of pools.entries())
      if (pools.findIndex((pool) => pool.name === name) < index)
        context.addIssue({
          code: "custom",
          path: [index, "name"],
          message: "a name that no other node pool has",
          params: { got: quoteValue(name) },
        });
  });

/** A node pool of a cluster, `default` included. */
export const ClusterNodePool = NodePool.omit({ workers: true })
  .extend({ name: NodePoolName })
  .meta({ id: "ClusterNodePool" });

const counted = z.int().min(0);

/** The same with its workers. */
export const NodePoolStatus = ClusterNodePool.extend({
  workers: counted.describe("How many workers it is to have: those that leave, or could not be drained, do not count"),
  members: counted.describe("How many workers it has now, whatever their state"),
  ready: counted.describe("How many of them are `ready`"),
}).meta({ id: "NodePoolStatus" });
export type NodePoolStatus = z.output<typeof NodePoolStatus>;

/** Body of `PATCH /v1/clusters/{id}/node-pools/{name}`. */
export const ScaleNodePool = z
  .strictObject({
    workers: z.int().min(0).max(maxWorkers).describe("How many workers it is to have"),
    drainTimeoutSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(300)
      .describe("Longest wait for the pods of nodes that leave; 0 evicts none"),
    force: z.boolean().default(false).describe("Whether workers leave even if pods are left when the time is up"),
  })
  .meta({ id: "ScaleNodePool" });
export type ScaleNodePool = z.output<typeof ScaleNodePool>;
