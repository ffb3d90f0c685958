import { Address4, Address6 } from "ip-address";

/** Addresses of one family with a common prefix. A single address is a subnet whose prefix is its whole length. */
export interface Subnet {
  /** Length of an address: 32 for IPv4, 128 for IPv6. */
  readonly bits: 32 | 128;
  /** The first address as a number. */
  readonly first: bigint;
  readonly prefix: number;
}

/** Reads a CIDR or an address, and drops host bits. Throws ip-address's AddressError for any other text. */
export function parseSubnet(text: string): Subnet {
  const isIpv6 = text.includes(":");
  const address = isIpv6 ? new Address6(text) : new Address4(text);
  return { bits: isIpv6 ? 128 : 32, first: address.startAddress().bigInt(), prefix: address.subnetMask };
}

export const formatSubnet = (subnet: Subnet) => `${nthAddress(subnet, 0)}/${subnet.prefix}`;

/** Address `index` of the subnet, counted from 0, as text. Throws ip-address's AddressError beyond the last address. */
export const nthAddress = ({ bits, first }: Subnet, index: number): string =>
  (bits === 32 ? Address4 : Address6).fromBigInt(first + BigInt(index)).correctForm();

/** Subnet `index` of those with `prefix`, counted from 0. */
export const nthSubnet = ({ bits, first }: Subnet, { index, prefix }: { index: number; prefix: number }): Subnet => ({
  bits,
  first: first + (BigInt(index) << BigInt(bits - prefix)),
  prefix,
});

/** How many subnets of `prefix` fit. */
export const capacity = (subnet: Subnet, prefix: number) =>
  subnet.prefix > prefix ? 0 : 2 ** (prefix - subnet.prefix);

/** Whether `inner`, which may be a single address, is a part of `outer`, or all of it. */
export function contains(outer: Subnet, inner: Subnet): boolean {
  const hostBits = BigInt(outer.bits - outer.prefix);
  return (
    outer.bits === inner.bits && outer.prefix <= inner.prefix && outer.first >> hostBits === inner.first >> hostBits
  );
}

export const overlaps = (one: Subnet, other: Subnet) => contains(one, other) || contains(other, one);

/** Where the API server puts the Service `kubernetes.default`. */
export const apiServiceAddress = (services: Subnet) => nthAddress(services, 1);

/** Where kubeadm puts the cluster's DNS. */
export const clusterDnsAddress = (services: Subnet) => nthAddress(services, 10);
