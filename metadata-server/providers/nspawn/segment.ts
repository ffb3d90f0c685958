import { Address4 } from "ip-address";
import { formatSubnet, nthAddress, nthSubnet, overlaps, parseSubnet, type Subnet } from "#lib/subnet.ts";
import { DomainError } from "../../errors.ts";
import { run } from "#lib/run.ts";
import type { PlannedMachine } from "../provider.ts";

/** One bridge for each cluster, so that clusters cannot reach each other. Its existence is the reservation. */
interface Bridge {
  /** `sprout7`, for 10.77.7.0/24 out of 10.77.0.0/16. */
  name: string;
  clusterId: string;
}

interface SegmentOptions {
  /** The /16 that segments are cut from. */
  network: Subnet;
  /** Distinguishes this server's bridges from those of another server on the host. */
  owner: string;
}

/** The metadata server on every bridge: one address, so one name in its certificate. */
export const serverAddress = (network: Subnet) => nthAddress(network, 255 * 256 + 254);

const segmentOf = (network: Subnet, index: number) => nthSubnet(network, { index, prefix: 24 });

const firstHost = 11;
const machinesPerSegment = 240;
const bridges = 250;

/**
 * Creates the bridge of a cluster, or finds the existing one. The kernel refuses a second bridge of the same name, so
 * two servers cannot take the same segment. Throws DomainError `no-capacity`.
 */
export async function reserveBridge(clusterId: string, options: SegmentOptions): Promise<Bridge> {
  const existing = (await listBridges(options.owner)).find((bridge) => bridge.clusterId === clusterId);
  if (existing) return existing;
  const used = await listRoutes();
  for (let index = 0; index < bridges; index++) {
    const name = `sprout${index}`;
    if (!isFree(segmentOf(options.network, index), used)) continue;
    if (await createBridge(name, { index, clusterId, ...options })) return { name, clusterId };
  }
  throw new DomainError(
    "no-capacity",
    `Cannot reserve a network: no /24 of ${formatSubnet(options.network)} is free; delete a cluster, or set another subnet with --nspawn-subnet`,
  );
}

/** Whether no route of the host leads there: the host would send answers to the machines that way. */
export const isFree = (subnet: Subnet, routes: readonly Subnet[]) => !routes.some((route) => overlaps(subnet, route));

async function listRoutes(): Promise<Subnet[]> {
  const routes = JSON.parse((await run("ip", ["-4", "-json", "route", "show"])) || "[]") as { dst?: string }[];
  const destinations = routes.flatMap(({ dst = "default" }) => (dst === "default" ? [] : parseSubnet(dst)));
  // Wider routes, such as a VPN's 10.0.0.0/8, give way to a segment's more specific one.
  return destinations.filter(({ prefix }) => prefix >= 16);
}

async function createBridge(name: string, options: SegmentOptions & { index: number; clusterId: string }) {
  try {
    await run("ip", ["link", "add", name, "type", "bridge", "forward_delay", "0"]);
  } catch (error) {
    if (/File exists/.test(String(error))) return false;
    throw error;
  }
  const commands = [
    `link set ${name} alias sprout:${options.owner}:${options.clusterId}`,
    `addr add ${nthAddress(segmentOf(options.network, options.index), 1)}/24 dev ${name}`,
    `addr add ${serverAddress(options.network)}/32 dev ${name}`,
    `link set ${name} up`,
  ];
  await run("ip", ["-batch", "-"], { input: commands.join("\n") });
  return true;
}

export async function listBridges(owner: string): Promise<Bridge[]> {
  const links = JSON.parse((await run("ip", ["-json", "link", "show", "type", "bridge"])) || "[]") as {
    ifname?: string;
    ifalias?: string;
  }[];
  return links.flatMap(({ ifname, ifalias }) => {
    const [tag, linkOwner, clusterId] = ifalias?.split(":") ?? [];
    return ifname && tag === "sprout" && linkOwner === owner && clusterId ? [{ name: ifname, clusterId }] : [];
  });
}

export async function releaseBridge(clusterId: string, owner: string): Promise<void> {
  for (const bridge of await listBridges(owner))
    if (bridge.clusterId === clusterId) await run("ip", ["link", "delete", bridge.name]);
}

const indexOf = (bridge: string) => Number(bridge.replace("sprout", ""));

/** Returns an address behind those of the machines. */
export const planVirtualAddress = ({ bridge, network }: { bridge: string; network: Subnet }): string =>
  nthAddress(segmentOf(network, indexOf(bridge)), 253);

/** Assigns free addresses from .11 on. The MAC contains the address, as with CNI's bridge plugin. */
export function planMachines(
  members: readonly Pick<PlannedMachine, "name" | "role">[],
  {
    bridge,
    present = [],
    network,
  }: { bridge: string; present?: readonly Pick<PlannedMachine, "address">[] | undefined; network: Subnet },
): PlannedMachine[] {
  const count = present.length + members.length;
  if (count > machinesPerSegment)
    throw new DomainError(
      "no-capacity",
      `Cannot place ${count} machines: the nspawn provider has room for ${machinesPerSegment} in a cluster`,
    );
  const segment = segmentOf(network, indexOf(bridge));
  const taken = new Set(present.map(({ address }) => address));
  let host = firstHost;
  const nextFree = () => {
    for (;;) {
      const address = nthAddress(segment, host++);
      if (!taken.has(address)) return address;
    }
  };
  return members.map((member) => {
    const address = nextFree();
    return { ...member, address, mac: macOf(address) };
  });
}

const macOf = (address: string) => `0a:58:${new Address4(address).toHex()}`;
