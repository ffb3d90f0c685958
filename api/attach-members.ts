import { z } from "zod";
import { ClusterMachines } from "./cluster-machines.ts";
import { has, implies } from "./implication.ts";
import { NodePoolName } from "./node-pool.ts";

/** Body of `POST /v1/clusters/{id}/members`. */
export const AttachMembers = z
  .strictObject({
    workers: z.int().min(1).max(1000).optional().describe("How many workers join the cluster"),
    nodePool: NodePoolName.optional().describe("In which the workers are; `default` if absent"),
    controlPlanes: z
      .int()
      .min(1)
      .max(6)
      .optional()
      .describe("How many control planes join, one after another; with them the cluster must have an odd number"),
    machines: ClusterMachines.optional().describe("Only with provider `bare-metal`"),
  })
  .superRefine(
    ({ workers, controlPlanes, nodePool }, context) => {
      if (nodePool !== undefined && workers === undefined)
        context.addIssue({
          code: "custom",
          path: ["nodePool"],
          message: "nodePool only with workers",
          params: { got: "no workers" },
        });
      if (workers === undefined && controlPlanes === undefined)
        context.addIssue({
          code: "custom",
          path: ["workers"],
          message: "workers or controlPlanes",
          params: { got: "neither" },
        });
    },
    // Even if single fields are invalid, so that one answer has every error.
    { when: ({ value }) => typeof value === "object" && value !== null },
  )
  .meta({
    id: "AttachMembers",
    anyOf: [has("workers"), has("controlPlanes")],
    allOf: [implies(has("nodePool"), has("workers"))],
  });
export type AttachMembers = z.output<typeof AttachMembers>;
