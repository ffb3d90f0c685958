import { z } from "zod";
import { contains, formatSubnet, parseSubnet } from "#lib/subnet.ts";
import { type AddressRange, isInRange } from "./address-range.ts";
import type { InterfaceAddress } from "./host-interface.ts";

/** `own`: this is the network's DHCP server. `proxy`: another one is. `http`: like `own`, for UEFI HTTP boot only. */
export const dhcpModes = ["own", "proxy", "http"] as const;
export type DhcpMode = (typeof dhcpModes)[number];

export const InterfaceName = z
  .string("the name of a network interface")
  .max(15)
  .regex(/^[A-Za-z0-9][-.\w]*$/);

export interface DhcpOptions {
  mode: DhcpMode;
  interface: InterfaceAddress;
  /** URL of the plain HTTP listener, without a path. */
  url: string;
  /** Addresses to assign; null with `proxy`. */
  range: AddressRange | null;
  router: string | null;
  nameServer: string | null;
  /** Folder with undionly.kpxe and snponly.efi. */
  ipxeDir: string;
  leaseFile: string;
  /** Addresses of the inventory's cards, if `sprout serve` runs dnsmasq. */
  hostsFile?: string;
}

/** Throws with every reason why these options cannot be used together. */
export function checkDhcpOptions({ mode, interface: own, range, router, nameServer }: DhcpOptions): void {
  const problems = [
    ...(mode !== "proxy" && range === null ? [`mode ${mode} needs a range of addresses to give out`] : []),
    ...(mode === "proxy" && (range ?? router ?? nameServer) !== null
      ? ["mode proxy gives out no addresses, and takes no range, router or name server"]
      : []),
    ...(range === null ? [] : rangeProblems(range, own)),
  ];
  if (problems.length > 0) throw new Error(`Cannot configure DHCP: ${problems.join("; ")}`);
}

function rangeProblems(range: AddressRange, { subnet, hostAddresses }: InterfaceAddress): string[] {
  const [first, last] = [parseSubnet(range.first), parseSubnet(range.last)];
  const outside = Object.entries({ first, last }).filter(([, end]) => !contains(subnet, end));
  return [
    ...outside.map(([end]) => `the range's ${end} address is not in ${formatSubnet(subnet)}`),
    ...(first.first > last.first ? ["the range ends before it starts"] : []),
    ...hostAddresses
      .filter((address) => isInRange(range, address))
      .map((address) => `the range contains this host's own address ${address}`),
  ];
}
