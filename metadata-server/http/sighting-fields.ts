import { z } from "zod";
import { FirmwareText, InterfaceMac, SystemUuid } from "#api/hardware-identity.ts";
import { MachineHardware } from "#api/machine.ts";
import type { MachineSighting } from "#api/machine-sighting.ts";
import { DomainError } from "../errors.ts";
import { parse } from "./request.ts";

/** A query or a form: each name with all its values. */
export type Fields = Readonly<Record<string, string[] | undefined>>;

/** What it says of itself and must be right. */
const Claimed = z.object({ mac: InterfaceMac, uuid: SystemUuid.nullable() });

const sectorBytes = 512;
const gibibyte = 2 ** 30;

/**
 * What a machine says of itself: `mac`, `nic`…, `uuid`, `serial-hex`, `manufacturer-hex`. The MAC it boots from decides who
 * it is and must be one; of the rest, what firmware fills with nonsense counts as not there.
 */
export function parseSighting(fields: Fields): MachineSighting {
  const { mac = [], nic = [], uuid = [], "serial-hex": serial, "manufacturer-hex": manufacturer } = fields;
  if (mac.length !== 1 || uuid.length > 1)
    throw new DomainError("invalid-request", "The request must have one mac, and at most one uuid");
  const claimed = parse(Claimed, { mac: mac[0], uuid: uuid[0] || null });
  const others = nic.flatMap((text) => (text === "" ? [] : (InterfaceMac.safeParse(text).data ?? []))).slice(0, 31);
  return {
    macs: [...new Set([claimed.mac, ...others])],
    uuid: claimed.uuid,
    serial: textOf(serial),
    manufacturer: textOf(manufacturer),
  };
}

/** Texts of firmware come as hexadecimal: no quoting of theirs can be wrong then. */
export const textOf = ([hex = ""]: string[] = []) =>
  FirmwareText.safeParse(Buffer.from(hex, "hex").toString()).data ?? null;

/** `cpus`, `memory-kib`, `disk=NAME:SECTORS`…, `interface=NAME:MAC`…, as the initrd finds them. */
export function parseHardware(fields: Fields): MachineHardware {
  const { cpus = [], "memory-kib": memory = [], disk = [], interface: interfaces = [] } = fields;
  return parse(MachineHardware, {
    cpus: Number(cpus[0]),
    memoryMiB: Math.floor(Number(memory[0]) / 1024),
    disks: disk.map((text) => {
      const [name, sectors] = split(text);
      return { name, sizeGiB: Math.round((Number(sectors) * sectorBytes * 10) / gibibyte) / 10 };
    }),
    nics: interfaces.map((text) => {
      const [name, mac] = split(text);
      return { name, mac: InterfaceMac.safeParse(mac).data ?? mac };
    }),
  });
}

/** At the first colon. */
const split = (text: string): [string, string] => {
  const at = text.indexOf(":");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
};
