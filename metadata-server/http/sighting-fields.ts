import { z } from "zod";
import { FirmwareText, InterfaceMac, SystemUuid } from "#api/hardware-identity.ts";
import { MachineDisk, MachineHardware, MachineNic, maxDisks, maxNics } from "#api/machine.ts";
import type { MachineSighting } from "#api/machine-sighting.ts";
import { DomainError } from "../errors.ts";
import { readFormPairs } from "./form-pairs.ts";
import { parse } from "./parse-body.ts";

/** A query or a form: each name with all its values. */
export type Fields = Readonly<Record<string, string[] | undefined>>;

/** Reads a form (application/x-www-form-urlencoded). */
export function toFields(form: string): Fields {
  const pairs = Map.groupBy(readFormPairs(form), ([name]) => name);
  return Object.fromEntries(Array.from(pairs, ([name, values]) => [name, values.map(([, value]) => value)]));
}

/** Claims that must be well formed. */
const Claimed = z.object({ mac: InterfaceMac, uuid: SystemUuid.nullable() });

const sectorBytes = 512;
const gibibyte = 2 ** 30;

/**
 * Parses a machine's claims: `mac`, `nic`…, `uuid`, `serial-hex`, `manufacturer-hex`. The MAC that it boots from
 * identifies it and must be valid. Nonsense of the firmware in any other field counts as missing.
 */
export function parseSighting(fields: Fields): MachineSighting {
  const { mac = [], nic = [], uuid = [], "serial-hex": serial, "manufacturer-hex": manufacturer } = fields;
  if (mac.length !== 1 || uuid.length > 1)
    throw new DomainError("invalid-request", "The request must have one mac, and at most one uuid");
  const claimed = parse(Claimed, { mac: mac[0], uuid: uuid[0] || null });
  const others = nic.flatMap((text) => (text === "" ? [] : (InterfaceMac.safeParse(text).data ?? [])));
  return {
    macs: [...new Set([claimed.mac, ...others])].slice(0, maxNics),
    uuid: claimed.uuid,
    serial: textOf(serial),
    manufacturer: textOf(manufacturer),
  };
}

/** Decodes a text of the firmware. It comes in hexadecimal, so it needs no quoting. */
export const textOf = ([hex = ""]: string[] = []) =>
  FirmwareText.safeParse(Buffer.from(hex, "hex").toString()).data ?? null;

/** Parses the claims of an initrd's report. It cannot correct its UUID, so one that is none counts as missing. */
export const parseReporter = ({ uuid = [], ...others }: Fields): MachineSighting =>
  parseSighting({ ...others, uuid: uuid.filter((text) => SystemUuid.safeParse(text).success) });

/**
 * Parses `cpus`, `memory-kib`, `disk=NAME:SECTORS`…, `interface=NAME:MAC`…, as the initrd finds them. CPUs and memory
 * must be valid. Of disks and interfaces it keeps the first that are, such as no disk of 0 GiB and no InfiniBand.
 */
export function parseHardware(fields: Fields): MachineHardware {
  const { cpus = [], "memory-kib": memory = [], disk = [], interface: interfaces = [] } = fields;
  return parse(MachineHardware, {
    cpus: Number(cpus[0]),
    memoryMiB: Math.floor(Number(memory[0]) / 1024),
    disks: disk.flatMap((text) => MachineDisk.safeParse(toDisk(split(text))).data ?? []).slice(0, maxDisks),
    nics: interfaces.flatMap((text) => MachineNic.safeParse(toNic(split(text))).data ?? []).slice(0, maxNics),
  });
}

const toDisk = ([name, sectors]: [string, string]) => ({
  name,
  sizeGiB: Math.round((Number(sectors) * sectorBytes * 10) / gibibyte) / 10,
});

const toNic = ([name, mac]: [string, string]) => ({ name, mac: InterfaceMac.safeParse(mac).data });

/** Splits at the first colon. */
const split = (text: string): [string, string] => {
  const at = text.indexOf(":");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
};
