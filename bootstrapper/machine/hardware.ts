import { networkInterfaces } from "node:os";
import type { InstanceIdentity } from "#api/instance-identity.ts";
import { Hardware } from "#api/node-metadata.ts";
import { exists } from "#lib/files.ts";
import { below, readOrEmpty } from "./files.ts";
import { readMacs } from "./network-cards.ts";

/** Whether systemd runs in a container. SMBIOS, kernel command line and clock are then the host's. */
export async function isContainer(root: string): Promise<boolean> {
  return exists(below(root, "/run/systemd/container"));
}

interface HardwareOptions {
  root: string;
  inContainer: boolean;
  /** From the seed: the interface and the address that join the cluster. */
  mac?: string | undefined;
  address?: string | undefined;
  instanceIdentity?: InstanceIdentity | undefined;
}

/** Reads what this machine claims to be. Only EC2's signature is a proof. */
export async function readHardware(options: HardwareOptions): Promise<Hardware> {
  const { root, inContainer, mac, address, instanceIdentity } = options;
  const given = mac === undefined ? [] : [mac];
  const macs = [...new Set([...given, ...(await readMacs({ root, inContainer }))])].slice(0, 32);
  // Some firmware has an invalid UUID. It identifies nothing, and the server would refuse it.
  const uuid = Hardware.shape.uuid.safeParse(
    inContainer ? undefined : (await readLine(root, "/sys/class/dmi/id/product_uuid"))?.toLowerCase(),
  ).data;
  const rootDevice = Hardware.shape.rootDevice.safeParse(
    inContainer ? undefined : await readLine(root, "/run/sprout/root-device"),
  ).data;
  const serial = inContainer ? undefined : await readLine(root, "/sys/class/dmi/id/product_serial");
  return {
    macs,
    ...(uuid === undefined ? {} : { uuid }),
    ...(serial === undefined ? {} : { serial: serial.slice(0, 256) }),
    ...(rootDevice === undefined ? {} : { rootDevice }),
    addresses: address === undefined ? ownAddresses(mac).slice(0, 32) : [address],
    ...(instanceIdentity && { instanceIdentity }),
  };
}

/** Returns the IPv4 addresses of that interface, or of all. */
export const ownAddresses = (mac?: string) =>
  Object.values(networkInterfaces())
    .flatMap((entries = []) => entries)
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .filter((entry) => mac === undefined || entry.mac === mac)
    .map(({ address }) => address);

/** Returns the interface that has this address; `eth0` if none has it yet. */
export const findNetworkCard = (address: string): string =>
  Object.entries(networkInterfaces()).find(([, entries = []]) =>
    entries.some((entry) => entry.address === address),
  )?.[0] ?? "eth0";

const readLine = async (root: string, path: string): Promise<string | undefined> =>
  (await readOrEmpty(root, path)).trim() || undefined;
