import { z } from "zod";
import { Labels } from "./labels.ts";
import { AllocationId, ClusterId, MachineId, NodeName } from "./name.ts";
import { MacAddress } from "./network.ts";

const machineStates = ["seen", "approved", "free", "assigned", "released", "refused"] as const;
export const MachineState = z.enum(machineStates).meta({
  id: "MachineState",
  description:
    "`seen`: asked to boot, waits for approval; `approved`: registered, not yet seen; `free`: can be assigned; `assigned`: is a member of a cluster; `released`: was a member, and may still hold its secrets; `refused`: gets nothing",
});
export type MachineState = z.infer<typeof MachineState>;

const name = z.string().min(1).max(64).describe("The kernel's name for it, such as `sda` or `eth0`");
export const MachineDisk = z.strictObject({
  name,
  sizeGiB: z.number().positive().max(1_048_576).describe("Capacity in GiB"),
});
export const MachineNic = z.strictObject({ name, mac: MacAddress });
export const maxDisks = 64;
export const maxNics = 32;

/** A machine's hardware, as the machine or the operator reports it. */
export const MachineHardware = z
  .strictObject({
    cpus: z.int().min(1).max(8192).describe("Logical CPUs"),
    memoryMiB: z.int().min(1).max(1_073_741_824).describe("Memory in MiB"),
    disks: z.array(MachineDisk).max(maxDisks).describe("Disks, without removable and read-only ones"),
    nics: z.array(MachineNic).max(maxNics).describe("Network interfaces"),
  })
  .meta({ id: "MachineHardware" });
export type MachineHardware = z.infer<typeof MachineHardware>;

export const manualPurpose = "The operator switches the machine; its timeline says when";
export const redfishPurpose = "Sprout switches the machine by its controller";

/** How the machine is switched on and off. Its credentials are sealed and never shown. */
export const MachinePower = z
  .discriminatedUnion("driver", [
    z.strictObject({ driver: z.literal("manual").describe(manualPurpose) }),
    z.strictObject({
      driver: z.literal("redfish").describe(redfishPurpose),
      url: z.string().describe("The system at its controller"),
      certificateSha256: z
        .string()
        .nullable()
        .describe("Fingerprint of the pinned certificate in lower-case hexadecimal digits; null if none is pinned"),
    }),
  ])
  .meta({ id: "MachinePower" });
export type MachinePower = z.infer<typeof MachinePower>;

export const MachineAssignment = z
  .strictObject({
    clusterId: ClusterId,
    member: NodeName,
    allocation: AllocationId,
    install: z.boolean().describe("Installed to its disk; otherwise it runs from memory"),
    installedAt: z.iso
      .datetime()
      .nullable()
      .describe("When it first asked to boot after its node had run from the disk; null before"),
  })
  .meta({ id: "MachineAssignment" });
export type MachineAssignment = z.infer<typeof MachineAssignment>;

const machineEventTypes = ["state", "power", "boot", "alert"] as const;

/** One entry of a machine's timeline. */
export const MachineEvent = z
  .strictObject({
    at: z.iso.datetime().describe("When the server recorded it, by its clock"),
    type: z
      .enum(machineEventTypes)
      .describe("`state` also for changed settings; `alert`: an operator should know at once"),
    message: z.string().max(1000).describe("What happened, for people"),
  })
  .meta({ id: "MachineEvent" });
export type MachineEvent = z.infer<typeof MachineEvent>;

export const Machine = z
  .strictObject({
    id: MachineId,
    state: MachineState,
    macs: z.array(MacAddress).min(1).describe("MACs of all interfaces; no two machines share one"),
    uuid: z.string().nullable().describe("SMBIOS system UUID in lower case; null until known"),
    serial: z.string().nullable().describe("SMBIOS serial number; null until known"),
    manufacturer: z.string().nullable().describe("SMBIOS manufacturer; null until known"),
    hardware: MachineHardware.nullable().describe("As the machine or the operator reports it; null until known"),
    labels: Labels,
    provisioningMac: MacAddress.describe("MAC of the interface that it boots from"),
    clusterMac: MacAddress.describe("MAC of the interface that joins the cluster"),
    power: MachinePower.describe("How the machine is switched on and off, without credentials"),
    assignment: MachineAssignment.nullable().describe(
      "The node that it is, or that a released machine was; null without one",
    ),
    createdAt: z.iso.datetime().describe("When it was registered, or asked to boot for the first time"),
    firstSeenAt: z.iso.datetime().nullable().describe("When it first asked to boot; null if it never did"),
    lastSeenAt: z.iso
      .datetime()
      .nullable()
      .describe("When it last asked to boot, to about 30 seconds; null if it never did"),
    lastSeenFrom: z.string().nullable().describe("Address that its last request came from; null if unknown"),
    events: z.array(MachineEvent).describe("Its timeline, oldest first; the oldest entries are dropped"),
  })
  .meta({ id: "Machine" });
export type Machine = z.infer<typeof Machine>;
