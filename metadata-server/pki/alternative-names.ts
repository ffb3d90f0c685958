import { isIP, isIPv4, isIPv6 } from "node:net";
import { Address4, Address6 } from "ip-address";
import { type Der, implicitTag } from "./der.ts";

const dnsName = /^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i;

export interface AlternativeNames {
  dnsNames: string[];
  addresses: string[];
}

/** Sorts hosts into names and addresses. Refuses text that only looks like an address ("10.0.0.300"). */
export function toAlternativeNames(hosts: readonly string[]): AlternativeNames {
  return { dnsNames: hosts.filter((host) => isIP(host) === 0), addresses: hosts.filter((host) => isIP(host) !== 0) };
}

/**
 * Encodes GeneralNames of RFC 5280, 4.2.1.6: dNSName is [2], iPAddress is [7]. Drops duplicates. Throws on the first
 * invalid one.
 */
export function encodeAlternativeNames(names: AlternativeNames): Der[] {
  return [
    ...[...new Set(names.dnsNames)].map((name) => implicitTag(2, encodeDnsName(name))),
    ...[...new Set(names.addresses)].map((address) => implicitTag(7, encodeAddress(address))),
  ];
}

/** To URL parsers a host whose last label is a number is an IPv4 address (URL Standard, "ends in a number checker"). */
const endsInNumber = /(^|\.)(\d+|0x[0-9a-f]*)$/i;

/** Whether a certificate can have this name, which may begin with a wildcard. */
export const isDnsName = (name: string): boolean =>
  name.length <= 253 && !endsInNumber.test(name) && dnsName.test(name);

function encodeDnsName(name: string): Uint8Array {
  if (!isDnsName(name)) throw new Error(`"${name}" is not a DNS name`);
  return Buffer.from(name, "ascii");
}

function encodeAddress(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(new Address4(address).toArray());
  // A zone ("fe80::1%eth0") has a meaning on one machine only, so it cannot be certified.
  if (!isIPv6(address) || address.includes("%")) throw new Error(`"${address}" is not an IP address`);
  return Uint8Array.from(new Address6(address).toUnsignedByteArray());
}
