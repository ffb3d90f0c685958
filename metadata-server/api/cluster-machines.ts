import { z } from "zod";
import { Labels } from "./labels.ts";

/** What a machine of one's own must have; what is not known of a machine it has not. */
export const MachineRequirements = z
  .strictObject({
    /** All of them. */
    labels: Labels.optional(),
    minCpus: z.int().min(1).max(8192).optional(),
    minMemoryMiB: z.int().min(1).max(1_073_741_824).optional(),
    /** Of the largest disk. */
    minDiskGiB: z.number().positive().max(1_048_576).optional(),
  })
  .meta({ id: "MachineRequirements" });
export type MachineRequirements = z.output<typeof MachineRequirements>;

/** `machines` of `POST /v1/clusters`, for provider `bare-metal`. */
export const ClusterMachines = z
  .strictObject({
    /** They are always installed to a disk. */
    controlPlanes: MachineRequirements.optional(),
    workers: MachineRequirements.optional(),
    /** Workers to their disks as well; otherwise they run from memory. */
    install: z.boolean().default(false),
  })
  .meta({ id: "ClusterMachines" });
export type ClusterMachines = z.output<typeof ClusterMachines>;
