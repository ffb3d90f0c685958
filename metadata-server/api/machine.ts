import { z } from "zod";
import { Labels } from "./labels.ts";
import { AllocationId, ClusterId, MachineId, NodeName } from "./name.ts";
import { MacAddress } from "./network.ts";

/**
 * `seen`: asked by itself, waits for approval. `approved`: known by name, not yet seen. `free`: can be taken.
 * `assigned`: is a member of a cluster. `released`: was one, and may still hold what it was given. `refused`: gets nothing.
 */
export const machineStates = ["seen", "approved", "free", "assigned", "released", "refused"] as const;
export const MachineState = z.enum(machineStates).meta({ id: "MachineState" });
export type MachineState = z.infer<typeof MachineState>;

const name = z.string().min(1).max(64);

/** What a machine has, as it or its owner says. */
export const MachineHardware = z
  .strictObject({
    cpus: z.int().min(1).max(8192),
    memoryMiB: z.int().min(1).max(1_073_741_824),
    disks: z.array(z.strictObject({ name, sizeGiB: z.number().positive().max(1_048_576) })).max(64),
    nics: z.array(z.strictObject({ name, mac: MacAddress })).max(32),
  })
  .meta({ id: "MachineHardware" });
export type MachineHardware = z.infer<typeof MachineHardware>;

/** How it is switched on and off; the credentials are sealed and never shown. */
export const MachinePower = z
  .discriminatedUnion("driver", [
    z.strictObject({ driver: z.literal("manual") }),
    z.strictObject({
      driver: z.literal("redfish"),
      url: z.string(),
      /** Of the certificate that is pinned, if one is. */
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
    /** To its disk; otherwise it runs from memory. */
    install: z.boolean(),
    installedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "MachineAssignment" });
export type MachineAssignment = z.infer<typeof MachineAssignment>;

export const machineEventTypes = ["state", "power", "boot", "alert"] as const;

/** One line of a machine's timeline; the oldest are dropped. */
export const MachineEvent = z
  .strictObject({ at: z.iso.datetime(), type: z.enum(machineEventTypes), message: z.string().max(1000) })
  .meta({ id: "MachineEvent" });
export type MachineEvent = z.infer<typeof MachineEvent>;

export const Machine = z
  .strictObject({
    id: MachineId,
    state: MachineState,
    /** Of every interface; no two machines share one. */
    macs: z.array(MacAddress).min(1),
    uuid: z.string().nullable(),
    serial: z.string().nullable(),
    manufacturer: z.string().nullable(),
    hardware: MachineHardware.nullable(),
    labels: Labels,
    /** The interface it boots from, and the one that takes part in the cluster. */
    provisioningMac: MacAddress,
    clusterMac: MacAddress,
    power: MachinePower,
    assignment: MachineAssignment.nullable(),
    createdAt: z.iso.datetime(),
    /** Null where it never asked: registered by hand. */
    firstSeenAt: z.iso.datetime().nullable(),
    lastSeenAt: z.iso.datetime().nullable(),
    /** Address of its connection. */
    lastSeenFrom: z.string().nullable(),
    events: z.array(MachineEvent),
  })
  .meta({ id: "Machine" });
export type Machine = z.infer<typeof Machine>;
