import { z } from "zod";
import { Labels } from "./labels.ts";
import { AllocationId, ClusterId, MachineId, NodeName } from "./name.ts";
import { MacAddress } from "./network.ts";

/**
 * `seen`: asked to boot, waits for approval. `approved`: registered, not yet seen. `free`: can be assigned. `assigned`:
 * is a member of a cluster. `released`: was a member, and may still hold its secrets. `refused`: gets nothing.
 */
const machineStates = ["seen", "approved", "free", "assigned", "released", "refused"] as const;
export const MachineState = z.enum(machineStates).meta({ id: "MachineState" });
export type MachineState = z.infer<typeof MachineState>;

const name = z.string().min(1).max(64);
export const MachineDisk = z.strictObject({ name, sizeGiB: z.number().positive().max(1_048_576) });
export const MachineNic = z.strictObject({ name, mac: MacAddress });
export const maxDisks = 64;
export const maxNics = 32;

/** A machine's hardware, as the machine or the operator reports it. */
export const MachineHardware = z
  .strictObject({
    cpus: z.int().min(1).max(8192),
    memoryMiB: z.int().min(1).max(1_073_741_824),
    disks: z.array(MachineDisk).max(maxDisks),
    nics: z.array(MachineNic).max(maxNics),
  })
  .meta({ id: "MachineHardware" });
export type MachineHardware = z.infer<typeof MachineHardware>;

/** How the machine is switched on and off. Its credentials are sealed and never shown. */
export const MachinePower = z
  .discriminatedUnion("driver", [
    z.strictObject({ driver: z.literal("manual") }),
    z.strictObject({
      driver: z.literal("redfish"),
      url: z.string(),
      /** Fingerprint of the pinned certificate, if any. */
      certificateSha256: z.string().nullable(),
    }),
  ])
  .meta({ id: "MachinePower" });
export type MachinePower = z.infer<typeof MachinePower>;

export const MachineAssignment = z
  .strictObject({
    clusterId: ClusterId,
    member: NodeName,
    allocation: AllocationId,
    /** Installed to its disk; otherwise it runs from memory. */
    install: z.boolean(),
    installedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "MachineAssignment" });
export type MachineAssignment = z.infer<typeof MachineAssignment>;

const machineEventTypes = ["state", "power", "boot", "alert"] as const;

/** One entry of a machine's timeline; the oldest are dropped. */
export const MachineEvent = z
  .strictObject({ at: z.iso.datetime(), type: z.enum(machineEventTypes), message: z.string().max(1000) })
  .meta({ id: "MachineEvent" });
export type MachineEvent = z.infer<typeof MachineEvent>;

export const Machine = z
  .strictObject({
    id: MachineId,
    state: MachineState,
    /** MACs of all interfaces; no two machines share one. */
    macs: z.array(MacAddress).min(1),
    uuid: z.string().nullable(),
    serial: z.string().nullable(),
    manufacturer: z.string().nullable(),
    hardware: MachineHardware.nullable(),
    labels: Labels,
    /** MACs of the interface that it boots from, and of the one that joins the cluster. */
    provisioningMac: MacAddress,
    clusterMac: MacAddress,
    power: MachinePower,
    assignment: MachineAssignment.nullable(),
    createdAt: z.iso.datetime(),
    /** Null if the machine was registered by hand and never asked to boot. */
    firstSeenAt: z.iso.datetime().nullable(),
    lastSeenAt: z.iso.datetime().nullable(),
    /** Address that its last request came from. */
    lastSeenFrom: z.string().nullable(),
    events: z.array(MachineEvent),
  })
  .meta({ id: "Machine" });
export type Machine = z.infer<typeof Machine>;
