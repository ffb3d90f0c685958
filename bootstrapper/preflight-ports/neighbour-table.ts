import { readOrEmpty } from "../machine/files.ts";

/** Address → whether ARP has found it. Addresses behind a router are absent. */
export type NeighbourTable = Map<string, boolean>;

const complete = 0x2;

/** Reads `/proc/net/arp` (arp(7)): IP address, HW type, Flags, HW address, Mask, Device. Empty if it is missing. */
export const readNeighbourTable = async (root: string): Promise<NeighbourTable> =>
  parseNeighbourTable(await readOrEmpty(root, "/proc/net/arp"));

export function parseNeighbourTable(text: string): NeighbourTable {
  const rows = text.split("\n").slice(1);
  return new Map(
    rows.flatMap((row) => {
      const [address, , flags] = row.trim().split(/\s+/);
      if (address === undefined || flags === undefined) return [];
      return [[address, (Number(flags) & complete) !== 0] as const];
    }),
  );
}
