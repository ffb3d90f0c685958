import type { MachineRecord } from "../store/machine-record.ts";
import { pages } from "../store/pages.ts";
import type { Store } from "../store/store.ts";

/** A network card of the inventory, as DHCP knows it. */
interface Card {
  mac: string;
  /** Address from which its machine last asked to boot, if that was by this card. */
  lastAddress: string | null;
  isUnapproved: boolean;
}

const pageSize = 500;

/** Lists all cards of the inventory: first those that machines boot and join by; of oldest machines first. */
export async function listCards(store: Pick<Store, "machines">): Promise<Card[]> {
  const read = (after: string | undefined) =>
    store.machines({ limit: pageSize, ...(after !== undefined && { after }) });
  const found: MachineRecord[] = [];
  for await (const page of pages({ read, pageSize, cursorOf: ({ id }) => id })) found.push(...page);
  const machines = found.toReversed();
  return [...machines.flatMap(mainCards), ...machines.flatMap(otherCards)];
}

const mainMacs = ({ provisioningMac, clusterMac }: MachineRecord) => [...new Set([provisioningMac, clusterMac])];

const mainCards = (machine: MachineRecord) => mainMacs(machine).map((mac) => toCard(machine, mac));

const otherCards = (machine: MachineRecord) =>
  machine.macs.filter((mac) => !mainMacs(machine).includes(mac)).map((mac) => toCard(machine, mac));

const toCard = ({ provisioningMac, lastSeenFrom, state }: MachineRecord, mac: string): Card => ({
  mac,
  lastAddress: mac === provisioningMac ? lastSeenFrom : null,
  isUnapproved: state === "seen" || state === "refused",
});
