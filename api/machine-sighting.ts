import { z } from "zod";
import { FirmwareText, InterfaceMac, SystemUuid } from "./hardware-identity.ts";
import { MachineHardware, maxNics } from "./machine.ts";

/** Claims of a machine that boots; none is proven. The first MAC belongs to the interface that it boots from. */
export const MachineSighting = z.strictObject({
  macs: z.array(InterfaceMac).min(1).max(maxNics),
  uuid: SystemUuid.nullable().default(null),
  serial: FirmwareText.nullable().default(null),
  manufacturer: FirmwareText.nullable().default(null),
  hardware: MachineHardware.optional(),
});
export type MachineSighting = z.output<typeof MachineSighting>;
