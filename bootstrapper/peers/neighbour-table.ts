import { readFile } from "node:fs/promises";
import { below } from "../files.ts";

/** Address → whether ARP has found it; addresses behind a router are not in it. */
export type NeighbourTable = Map<string, boolean>;

const complete = 0x2;

/** `/proc/net/arp` (arp(7)): IP address, HW type, Flags, HW address, Mask, Device. Empty where there is none. */
export async function readNeighbourTable(root: string): Promise<NeighbourTable> {
  const text = await readFile(below(root, "/proc/net/arp"), "utf8").catch(() => "");
  return parseNeighbourTable(text);
}

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
