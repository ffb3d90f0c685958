import { networkInterfaces } from "node:os";
import { z } from "zod";
import { Address, Cidr } from "#api/network.ts";
import { contains, formatSubnet, parseSubnet } from "../clusters/subnet.ts";

/** `own`: this is the network's DHCP server. `proxy`: another is. `http`: as `own`, for machines that boot by HTTP alone. */
export const dhcpModes = ["own", "proxy", "http"] as const;
export type DhcpMode = (typeof dhcpModes)[number];

export const InterfaceName = z
  .string()
  .max(15)
  .regex(/^[A-Za-z0-9][-.\w]*$/, "must be the name of a network interface");

/** `FIRST-LAST`, both IPv4 addresses. */
export const AddressRange = z
  .string()
  .transform((text): { first: string; last: string } => {
    const [first = "", last = "", ...rest] = text.split("-");
    return { first, last: rest.length === 0 ? last : "" };
  })
  .pipe(
    z.object({ first: Address, last: Address }, { error: "must be two IPv4 addresses such as 192.0.2.50-192.0.2.150" }),
  );

/** An interface and what it has, as far as DHCP needs to know. */
export interface InterfaceAddress {
  name: string;
  /** IPv4 with its prefix. */
  cidr: string;
  netmask: string;
  /** Whether it has an IPv6 address that reaches further than the link. */
  hasIpv6: boolean;
}

export interface DhcpOptions {
  mode: DhcpMode;
  interface: InterfaceAddress;
  /** Of the plain listener, without a path. */
  url: string;
  /** Addresses to give out; not with `proxy`. */
  range: { first: string; last: string } | null;
  router: string | null;
  nameServer: string | null;
  /** Folder with undionly.kpxe and snponly.efi. */
  ipxeDir: string;
  leaseFile: string;
}

/** Throws with everything that makes these options impossible together. */
export function checkDhcpOptions({ mode, interface: { cidr }, range, router, nameServer }: DhcpOptions): void {
  const subnet = parseSubnet(Cidr.parse(cidr));
  const own = cidr.split("/")[0] ?? "";
  const outside = (["first", "last"] as const).filter((end) => range && !contains(subnet, range[end]));
  const problems = [
    ...(mode !== "proxy" && range === null ? [`mode ${mode} needs a range of addresses to give out`] : []),
    ...(mode === "proxy" && (range ?? router ?? nameServer) !== null
      ? ["mode proxy gives out no addresses, and takes no range, router or name server"]
      : []),
    ...outside.map((end) => `the range's ${end} address is not in ${formatSubnet(subnet)}`),
    ...(range && toNumber(range.first) > toNumber(range.last) ? ["the range ends before it starts"] : []),
    ...(range && toNumber(range.first) <= toNumber(own) && toNumber(own) <= toNumber(range.last)
      ? [`the range contains this host's own address ${own}`]
      : []),
  ];
  if (problems.length > 0) throw new Error(`Cannot configure DHCP: ${problems.join("; ")}`);
}

const toNumber = (address: string) => Number.parseInt(Buffer.from(address.split(".").map(Number)).toString("hex"), 16);

/** Of this host. Throws where there is no such interface, or it has no IPv4 address. */
export function findInterface(name: string, interfaces = networkInterfaces()): InterfaceAddress {
  const addresses = interfaces[name];
  const ipv4 = addresses?.find(({ family }) => family === "IPv4");
  if (ipv4?.cidr) {
    const hasIpv6 = addresses?.some(({ family, address }) => family === "IPv6" && !/^fe[89ab]/i.test(address)) ?? false;
    return { name, cidr: ipv4.cidr, netmask: ipv4.netmask, hasIpv6 };
  }
  throw new Error(
    addresses === undefined
      ? `Cannot configure DHCP: this host has no interface ${name} that is up; it has ${Object.keys(interfaces).join(", ")}`
      : `Cannot configure DHCP: ${name} has no IPv4 address; give it one first`,
  );
}
