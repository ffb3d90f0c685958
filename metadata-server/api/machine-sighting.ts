import { z } from "zod";
import { FirmwareText, InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { MachineHardware } from "./machine.ts";

/** What a machine that boots says of itself: claims, not proofs. The first MAC is that of the interface it boots from. */
export const MachineSighting = z.strictObject({
  macs: z.array(InterfaceMac).min(1).max(32),
  uuid: SystemUuid.nullable().default(null),
  serial: FirmwareText.nullable().default(null),
  manufacturer: FirmwareText.nullable().default(null),
  hardware: MachineHardware.optional(),
});
export type MachineSighting = z.output<typeof MachineSighting>;
