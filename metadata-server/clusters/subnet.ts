/** An IPv4 network; `first` is its first address as a number. */
export interface Subnet {
  first: number;
  prefix: number;
}

/** The text must be a CIDR already (api/network.ts). Host bits are dropped: compare with `formatSubnet` to refuse them. */
export function parseSubnet(cidr: string): Subnet {
  const [address = "", prefix = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(prefix));
  return { first: Math.floor(toNumber(address) / size) * size, prefix: Number(prefix) };
}

export const formatSubnet = ({ first, prefix }: Subnet) => `${toAddress(first)}/${prefix}`;

export const overlaps = (one: Subnet, other: Subnet) =>
  one.first < other.first + sizeOf(other) && other.first < one.first + sizeOf(one);

export const contains = (subnet: Subnet, address: string) => {
  const offset = toNumber(address) - subnet.first;
  return offset >= 0 && offset < sizeOf(subnet);
};

/** How many networks of `prefix` fit. */
export const capacity = (subnet: Subnet, prefix: number) =>
  subnet.prefix > prefix ? 0 : 2 ** (prefix - subnet.prefix);

export const nthSubnet = (subnet: Subnet, { index, prefix }: { index: number; prefix: number }): Subnet => ({
  first: subnet.first + index * 2 ** (32 - prefix),
  prefix,
});

const sizeOf = ({ prefix }: Subnet) => 2 ** (32 - prefix);
const toNumber = (address: string) => address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toAddress = (value: number) => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
