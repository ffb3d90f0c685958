import { MacAddress } from "#api/network.ts";
import { namesIn, readOrEmpty } from "./files.ts";

const folder = "/sys/class/net";

/** A network interface as sysfs shows it (Documentation/ABI/testing/sysfs-class-net of the Linux kernel). */
interface Interface {
  name: string;
  address: string;
  /** A device of the machine or its hypervisor, rather than one that a program made. */
  isCard: boolean;
  isBridgeOrBond: boolean;
  /** Whether it is a part of another interface, such as a bridge. */
  hasMaster: boolean;
  /** Names of the interfaces that it is made of. */
  lower: string[];
}

/**
 * Reads the MACs by which this machine is known, each once: those of its cards, whatever they are part of, of bridges
 * and bonds that have a card below them, and of VLANs and the like on a card. A container, and a machine without cards,
 * has other interfaces, unless they are part of something. The others belong to pods, or are made up, as a VRF's.
 */
export async function readMacs({ root, inContainer }: { root: string; inContainer: boolean }): Promise<string[]> {
  const all = await readInterfaces(root);
  const lowerOf = (one: Interface) => all.filter(({ name }) => one.lower.includes(name));
  const hasCardBelow = (one: Interface): boolean => lowerOf(one).some((lower) => lower.isCard || hasCardBelow(lower));
  const hasOthers = inContainer || !all.some(({ isCard }) => isCard);
  const counts = (one: Interface) => {
    if (one.isCard) return true;
    if (one.isBridgeOrBond) return hasCardBelow(one);
    const isOnCard = lowerOf(one).some(({ isCard, hasMaster }) => isCard && !hasMaster);
    return !one.hasMaster && (hasOthers || isOnCard);
  };
  return [...new Set(all.filter((one) => counts(one) && isMac(one.address)).map(({ address }) => address))];
}

/** Says why `readMacs` found nothing. */
export async function whyNoMac(root: string): Promise<string> {
  const infiniBand = (await readInterfaces(root)).filter(({ address }) => isInfiniBand(address));
  if (infiniBand.length === 0) return "no network interface has an Ethernet MAC address";
  const names = infiniBand.map(({ name }) => name).join(", ");
  return `it has InfiniBand only (${names}), which is not supported; add an Ethernet card`;
}

const isMac = (address: string) => MacAddress.safeParse(address).success && !/^[0:]+$/.test(address);
/** 20 octets (RFC 4391). */
const isInfiniBand = (address: string) => /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/.test(address);

async function readInterfaces(root: string): Promise<Interface[]> {
  const names = (await namesIn(root, folder)).filter((name) => name !== "lo").toSorted();
  return Promise.all(names.map((name) => readInterface(root, name)));
}

async function readInterface(root: string, name: string): Promise<Interface> {
  const entries = await namesIn(root, `${folder}/${name}`);
  return {
    name,
    address: (await readOrEmpty(root, `${folder}/${name}/address`)).trim(),
    isCard: entries.includes("device"),
    isBridgeOrBond: entries.includes("bridge") || entries.includes("bonding"),
    hasMaster: entries.includes("master"),
    lower: entries.flatMap((entry) => (entry.startsWith("lower_") ? [entry.slice("lower_".length)] : [])),
  };
}
