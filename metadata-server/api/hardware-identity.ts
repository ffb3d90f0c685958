import { z } from "zod";
import { printable } from "./labels.ts";

/** Firmware that has no UUID says so with one of these (DMTF DSP0134, 7.2.1). */
const noUuid = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"];

/**
 * SMBIOS system UUID, lower-case. Not `z.uuid()`: vendors put serial numbers and MACs where RFC 9562 wants a version.
 * Null where the firmware has none.
 */
export const SystemUuid = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.guid("must be a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732"))
  .transform((uuid) => (noUuid.includes(uuid) ? null : uuid));

/** Of one network interface, as firmware and people write it: with colons or hyphens, in either case. */
export const InterfaceMac = z
  .string()
  .regex(/^[0-9A-Fa-f]{2}(?<separator>[:-])(?:[0-9A-Fa-f]{2}\k<separator>){4}[0-9A-Fa-f]{2}$/, {
    error: "must be a MAC address such as 52:54:00:12:34:56",
    abort: true,
  })
  .transform((text) => text.toLowerCase().replaceAll("-", ":"))
  .refine(isOneInterface, "must be the address of one interface, neither of a group nor zero");

function isOneInterface(mac: string): boolean {
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return !isGroup && mac !== "00:00:00:00:00:00";
}

/** Serial number, manufacturer, product: what the firmware says of itself. Null where it says nothing. */
export const FirmwareText = z
  .string()
  .max(128)
  .regex(printable, "must have no control characters")
  .transform((text) => text.trim() || null);
