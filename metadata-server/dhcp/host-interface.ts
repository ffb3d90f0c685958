import { networkInterfaces } from "node:os";
import { contains, parseSubnet, type Subnet } from "#lib/subnet.ts";
import type { AddressRange } from "./address-range.ts";

/** The addresses of an interface that DHCP needs. */
export interface InterfaceAddress {
  name: string;
  /** IPv4. */
  address: string;
  subnet: Subnet;
  netmask: string;
  /** IPv4 addresses of this host, its own among them. */
  hostAddresses: string[];
  /** Whether it has an IPv6 address beyond link-local. */
  hasIpv6: boolean;
}

const linkLocal = parseSubnet("fe80::/10");

/** Which of an interface's addresses is meant. */
interface Wanted {
  /** Address of the plain HTTP listener; 0.0.0.0 for all. */
  listenAddress: string;
  range: AddressRange | null;
}

type HostInterfaces = ReturnType<typeof networkInterfaces>;
type HostAddress = NonNullable<HostInterfaces[string]>[number];

/**
 * Finds an interface of this host and its network. Of several addresses it takes that of the HTTP listener, else one
 * whose network holds the range. Throws if there is no such interface or IPv4 address, or if several are left.
 */
export function findInterface(
  name: string,
  wanted: Wanted,
  interfaces: HostInterfaces = networkInterfaces(),
): InterfaceAddress {
  const addresses = interfaces[name];
  if (addresses === undefined)
    throw new Error(
      `Cannot configure DHCP: this host has no interface ${name} that is up; it has ${Object.keys(interfaces).join(", ")}`,
    );
  const { address, cidr, netmask } = chooseAddress(name, addresses.filter(isIpv4), wanted);
  const hasIpv6 = addresses.some((each) => !isIpv4(each) && !contains(linkLocal, parseSubnet(each.address)));
  const hostAddresses = Object.values(interfaces).flatMap((each = []) => each.filter(isIpv4).map((own) => own.address));
  return { name, address, subnet: parseSubnet(cidr), netmask, hostAddresses, hasIpv6 };
}

type Ipv4 = HostAddress & { cidr: string };
const isIpv4 = (address: HostAddress): address is Ipv4 => address.family === "IPv4" && address.cidr !== null;

function chooseAddress(name: string, addresses: readonly Ipv4[], { listenAddress, range }: Wanted): Ipv4 {
  const networks = addresses.filter(({ cidr }) => !cidr.endsWith("/32"));
  const candidates = networks.length > 0 ? networks : addresses;
  const listening = candidates.find(({ address }) => address === listenAddress);
  const holding = candidates
    .filter(({ cidr }) => range !== null && holds(parseSubnet(cidr), range))
    .toSorted((one, other) => parseSubnet(other.cidr).prefix - parseSubnet(one.cidr).prefix);
  const chosen = listening ?? holding[0] ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (chosen !== undefined) return chosen;
  throw new Error(
    candidates.length === 0
      ? `Cannot configure DHCP: ${name} has no IPv4 address; give it one first`
      : `Cannot configure DHCP: ${name} has ${candidates.map(({ cidr }) => cidr).join(", ")}, and neither --http-listen nor the range says which is meant; give --http-listen one of these addresses`,
  );
}

const holds = (subnet: Subnet, { first, last }: AddressRange) =>
  contains(subnet, parseSubnet(first)) && contains(subnet, parseSubnet(last));
