import { z } from "zod";
import { ClusterMachines } from "./cluster-machines.ts";

/** Body of `POST /v1/clusters/{id}/members`. */
export const AttachMembers = z
  .strictObject({
    workers: z.int().min(1).max(1000).describe("How many workers join the cluster"),
    machines: ClusterMachines.pick({ workers: true, install: true })
      .optional()
      .describe("Only with provider `bare-metal`"),
  })
  .meta({ id: "AttachMembers" });
export type AttachMembers = z.output<typeof AttachMembers>;
