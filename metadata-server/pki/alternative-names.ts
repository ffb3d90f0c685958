import { isIP, isIPv4, isIPv6 } from "node:net";
import { type Der, implicitTag } from "./der.ts";

const dnsName = /^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i;

export interface AlternativeNames {
  dnsNames: string[];
  addresses: string[];
}

/** Sorts hosts into names and addresses. What looks like an address and is none ("10.0.0.300") is refused as a name. */
export function toAlternativeNames(hosts: readonly string[]): AlternativeNames {
  return { dnsNames: hosts.filter((host) => isIP(host) === 0), addresses: hosts.filter((host) => isIP(host) !== 0) };
}

/** GeneralNames of RFC 5280, 4.2.1.6: dNSName is [2], iPAddress is [7]; duplicates are dropped. Throws on the first invalid one. */
export function encodeAlternativeNames(names: AlternativeNames): Der[] {
  return [
    ...[...new Set(names.dnsNames)].map((name) => implicitTag(2, encodeDnsName(name))),
    ...[...new Set(names.addresses)].map((address) => implicitTag(7, encodeAddress(address))),
  ];
}

function encodeDnsName(name: string): Uint8Array {
  const numericEnd = /(^|\.)\d+$/.test(name);
  if (name.length > 253 || numericEnd || !dnsName.test(name)) throw new Error(`"${name}" is not a DNS name`);
  return Buffer.from(name, "ascii");
}

function encodeAddress(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  // A zone ("fe80::1%eth0") means something on one machine only and cannot be certified.
  if (!isIPv6(address) || address.includes("%")) throw new Error(`"${address}" is not an IP address`);
  // The URL parser writes every form of an IPv6 address as hexadecimal groups, at most one run of zeros left out.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const zeros = Array.from({ length: 8 - groups(head).length - groups(tail).length }, () => "0");
  const bytes = Buffer.alloc(16);
  [...groups(head), ...zeros, ...groups(tail)].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}

const groups = (text = "") => (text === "" ? [] : text.split(":"));
