import { BlockList, isIP } from "node:net";

/** 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291), and the former in each IPv6 form that holds an IPv4 address. */
const linkLocal = new BlockList();
// This also covers IPv4-mapped addresses, ::ffff:0:0/96.
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");
// IPv4-compatible (RFC 4291), translated (RFC 2765) and NAT64 (RFC 6052).
for (const prefix of ["::", "::ffff:0:", "64:ff9b::"]) linkLocal.addSubnet(`${prefix}a9fe:0`, 112, "ipv6");
// 6to4 (RFC 3056).
linkLocal.addSubnet("2002:a9fe::", 32, "ipv6");

/** Whether an address is link-local; false for any other text. IPv6 may have brackets, as in a URL, and a zone. */
export function isLinkLocal(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const family = isIP(address);
  return family !== 0 && linkLocal.check(address, family === 6 ? "ipv6" : "ipv4");
}
