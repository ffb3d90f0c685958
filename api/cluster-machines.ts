import { z } from "zod";
import { Labels } from "./labels.ts";

/** Requirements on inventory machines. An unknown property counts as missing. */
export const MachineRequirements = z
  .strictObject({
    labels: Labels.optional().describe("Labels that the machine must have"),
    minCpus: z.int().min(1).max(8192).optional().describe("Logical CPUs"),
    minMemoryMiB: z.int().min(1).max(1_073_741_824).optional().describe("Memory in MiB"),
    minDiskGiB: z.number().positive().max(1_048_576).optional().describe("Size of the largest disk in GiB"),
  })
  .meta({ id: "MachineRequirements" });
export type MachineRequirements = z.output<typeof MachineRequirements>;

/** `machines` of `POST /v1/clusters`, for provider `bare-metal`. */
export const ClusterMachines = z
  .strictObject({
    controlPlanes: MachineRequirements.optional().describe("Always installed to a disk"),
    workers: MachineRequirements.optional().describe(
      "Any free machine if absent; with `install` it needs 8 GiB of disk",
    ),
    install: z.boolean().default(false).describe("Installs workers to a disk, too; otherwise they run from memory"),
  })
  .meta({ id: "ClusterMachines" });
export type ClusterMachines = z.output<typeof ClusterMachines>;
