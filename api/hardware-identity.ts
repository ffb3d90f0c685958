import { z } from "zod";
import { printableText } from "./labels.ts";

/** Firmware without a UUID reports one of these (DMTF DSP0134, 7.2.1). */
const noUuid = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"];

const expectedUuid = "a UUID such as 4c4c4544-0051-3010-8053-b6c04f4a4732";

/**
 * SMBIOS system UUID, lower-case. Not `z.uuid()`: vendors put serial numbers and MACs where RFC 9562 wants a version.
 * Null if the firmware has none.
 */
export const SystemUuid = z
  .guid(expectedUuid)
  .transform((text) => text.toLowerCase())
  .transform((uuid) => (noUuid.includes(uuid) ? null : uuid));

/**
 * The same UUID with the bytes of its first three groups reversed. SMBIOS 2.6 stores those little-endian (DMTF DSP0134,
 * 7.2.1), but not all firmware, controllers and boot loaders read or write them so.
 */
export function inOtherByteOrder(uuid: string): string {
  const [low = "", middle = "", high = "", ...rest] = uuid.toLowerCase().split("-");
  const reversed = [low, middle, high].map((group) => group.match(/../g)?.toReversed().join("") ?? "");
  return [...reversed, ...rest].join("-");
}

/** Whether two UUIDs are one machine's: equal, or equal in the other byte order. */
export const isSameUuid = (one: string, other: string): boolean =>
  one.toLowerCase() === other.toLowerCase() || inOtherByteOrder(one) === other.toLowerCase();

/** MAC of one network interface, with colons or hyphens, in either case, as firmware and people write it. */
export const InterfaceMac = z
  .string("a MAC address such as 52:54:00:12:34:56")
  .regex(/^[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})$/, { abort: true })
  .transform((text) => text.toLowerCase().replaceAll("-", ":"))
  .refine(isOneInterface, "the MAC address of one interface, neither of a group nor zero")
  .meta({
    override({ jsonSchema }) {
      // Without groups' addresses; the zero address, which no pattern in the common subset leaves out, stays.
      jsonSchema.pattern = "^[0-9A-Fa-f][02468ACEace](?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})$";
    },
  });

function isOneInterface(mac: string): boolean {
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return !isGroup && mac !== "00:00:00:00:00:00";
}

/** Serial number, manufacturer or product, as the firmware reports it. Null if the firmware reports none. */
export const FirmwareText = printableText("text of at most 128 characters without control characters")
  .max(128)
  .transform((text) => text.trim() || null);
