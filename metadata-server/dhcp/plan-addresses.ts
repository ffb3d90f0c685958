import { nthAddress, parseSubnet } from "#lib/subnet.ts";
import { type AddressRange, isInRange, rangeSize } from "./address-range.ts";
import type { Holding } from "./leases.ts";

/** A network card of the inventory. */
export interface KnownCard {
  mac: string;
  /** Address from which its machine last asked to boot, if that was by this card. */
  lastAddress: string | null;
  /** Whether its machine waits for approval: any host on the segment can invent such a machine. */
  isUnapproved: boolean;
}

interface AddressPlan {
  /** No two of them share an address. */
  holdings: Holding[];
  /** Number of cards for which the range has no address left. */
  without: number;
}

/**
 * Gives each card an address of its own within the range. It keeps the one that it leases, else the one of the last
 * plan, else the one of its last boot. `cards`: the most important first; those of machines that wait for approval get
 * at most half of the range.
 */
export function planAddresses(
  cards: readonly KnownCard[],
  { range, leases, before }: { range: AddressRange; leases: readonly Holding[]; before: readonly Holding[] },
): AddressPlan {
  const [leased, planned] = [byMac(leases), byMac(before)];
  const holders = new Map(leases.map(({ mac, address }) => [address, mac]));
  const addresses = new Map<string, string>();
  const wanted = withinBounds(cards, rangeSize(range));
  for (const { mac, lastAddress } of wanted) {
    const earlier = [...(planned.get(mac) ?? []), ...(lastAddress === null ? [] : [lastAddress])];
    const own = leased.get(mac) ?? [];
    // A machine whose firmware and system name themselves differently may have two leases.
    const choices = [...earlier.filter((address) => own.includes(address)), ...own, ...earlier];
    const address = choices.find((choice) => isInRange(range, choice) && (holders.get(choice) ?? mac) === mac);
    if (address === undefined) continue;
    addresses.set(mac, address);
    holders.set(address, mac);
  }
  const free = freeAddresses(range, holders);
  for (const { mac } of wanted) {
    if (addresses.has(mac)) continue;
    const { value: address } = free.next();
    if (address === undefined) break;
    addresses.set(mac, address);
  }
  return {
    holdings: Array.from(addresses, ([mac, address]) => ({ mac, address })),
    without: cards.length - addresses.size,
  };
}

function withinBounds(cards: readonly KnownCard[], size: number): KnownCard[] {
  const unapproved = cards.filter(({ isUnapproved }) => isUnapproved).slice(0, Math.floor(size / 2));
  return [...cards.filter(({ isUnapproved }) => !isUnapproved), ...unapproved];
}

const byMac = (holdings: readonly Holding[]) =>
  new Map(
    Array.from(
      Map.groupBy(holdings, ({ mac }) => mac),
      ([mac, group]) => [mac, group.map(({ address }) => address)],
    ),
  );

function* freeAddresses(range: AddressRange, holders: ReadonlyMap<string, string>): Generator<string, undefined> {
  const [start, size] = [parseSubnet(range.first), rangeSize(range)];
  for (let index = 0; index < size; index += 1) {
    const address = nthAddress(start, index);
    if (!holders.has(address)) yield address;
  }
  return undefined;
}
