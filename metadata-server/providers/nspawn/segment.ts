import { overlaps, parseSubnet } from "../../clusters/subnet.ts";
import { DomainError } from "../../errors.ts";
import { run } from "../../run.ts";
import type { PlannedMachine } from "../provider.ts";

/** One bridge for each cluster, so that clusters do not see each other. Its existence is the reservation. */
export interface Bridge {
  /** `sprout7`, for 10.77.7.0/24 out of 10.77.0.0/16. */
  name: string;
  clusterId: string;
}

export interface SegmentOptions {
  /** First two octets of the /16 that segments are cut from, such as `10.77`. */
  prefix: string;
  /** Tells this server's bridges from those of another on the same host. */
  owner: string;
}

/** Where machines find the metadata server, on whichever bridge they are: one address, so one name in its certificate. */
export const serverAddress = (prefix: string) => `${prefix}.255.254`;

const firstHost = 11;
const machinesPerSegment = 240;
const bridges = 250;

/**
 * Makes the bridge for a cluster, or finds the one it has. The kernel refuses a second bridge of the same name, so two
 * servers cannot take the same segment. Throws DomainError `no-capacity`.
 */
export async function reserveBridge(clusterId: string, options: SegmentOptions): Promise<Bridge> {
  const existing = (await listBridges(options.owner)).find((bridge) => bridge.clusterId === clusterId);
  if (existing) return existing;
  const used = await listRoutes();
  for (let index = 0; index < bridges; index++) {
    const name = `sprout${index}`;
    if (!isFree(`${options.prefix}.${index}.0/24`, used)) continue;
    if (await createBridge(name, { index, clusterId, ...options })) return { name, clusterId };
  }
  throw new DomainError(
    "no-capacity",
    `Cannot reserve a network: no /24 of ${options.prefix}.0.0/16 is free; delete a cluster, or give another subnet with --nspawn-subnet`,
  );
}

/** A subnet that the host already reaches elsewhere would swallow the answers to our machines. */
export const isFree = (subnet: string, routes: readonly string[]) =>
  !routes.some((route) => overlaps(parseSubnet(subnet), parseSubnet(route)));

async function listRoutes(): Promise<string[]> {
  const routes = JSON.parse((await run("ip", ["-4", "-json", "route", "show"])) || "[]") as { dst?: string }[];
  const destinations = routes.map(({ dst = "default" }) => dst).filter((dst) => dst !== "default");
  // Wider ones, such as a VPN's 10.0.0.0/8, are there for what has no network of its own.
  return destinations.filter((dst) => parseSubnet(dst).prefix >= 16);
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
    `addr add ${options.prefix}.${options.index}.1/24 dev ${name}`,
    `addr add ${serverAddress(options.prefix)}/32 dev ${name}`,
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

/** Addresses from .11 on; the MAC says the address, as CNI's bridge plugin does it. */
export function planMachines(
  bridge: string,
  members: readonly Pick<PlannedMachine, "name" | "role">[],
  prefix: string,
): PlannedMachine[] {
  if (members.length > machinesPerSegment)
    throw new DomainError(
      "no-capacity",
      `Cannot place ${members.length} machines: the nspawn provider has room for ${machinesPerSegment} in a cluster`,
    );
  const segment = Number(bridge.replace("sprout", ""));
  return members.map((member, index) => {
    const address = `${prefix}.${segment}.${firstHost + index}`;
    return { ...member, address, mac: macOf(address) };
  });
}

const macOf = (address: string) =>
  ["0a", "58", ...address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"))].join(":");
