import { z } from "zod";
import { quoteValue } from "#lib/quote-value.ts";
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

/** A node pool as it is asked for: workers that are alike. */
export const NodePool = z
  .strictObject({
    name: NodePoolName.refine((name) => name !== defaultNodePool, {
      error: 'a name other than "default", which is the pool of workers',
    }).describe("Its Nodes have it as the label `sprout.internal/node-pool`"),
    workers: z.int().min(0).max(maxWorkers).describe("How many workers it has"),
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
export const ClusterNodePool = NodePool.extend({
  name: NodePoolName,
  workers: z.int().min(0).describe("How many workers it is to have; attaching and detaching them changes it"),
}).meta({ id: "ClusterNodePool" });

/** The same with what there is of it now. */
export const NodePoolStatus = ClusterNodePool.extend({
  members: z.int().min(0).describe("How many workers it has now, those that come up, have failed or leave included"),
  ready: z.int().min(0).describe("How many of them are `ready`"),
}).meta({ id: "NodePoolStatus" });
export type NodePoolStatus = z.output<typeof NodePoolStatus>;
