import { access, readdir, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type { InstanceIdentity } from "#api/instance-identity.ts";
import { Hardware } from "#api/node-metadata.ts";
import { MacAddress } from "#api/network.ts";
import { below } from "./files.ts";

/** systemd says here that it runs in a container; SMBIOS, kernel command line and clock are then the host's. */
export async function isContainer(root: string): Promise<boolean> {
  return access(below(root, "/run/systemd/container")).then(
    () => true,
    () => false,
  );
}

export interface HardwareOptions {
  root: string;
  inContainer: boolean;
  /** From the seed: the interface and address that take part in the cluster. */
  mac?: string | undefined;
  address?: string | undefined;
  instanceIdentity?: InstanceIdentity | undefined;
}

/** What this machine can say of itself: claims, not proofs, but for what EC2 signs. */
export async function readHardware(options: HardwareOptions): Promise<Hardware> {
  const { root, inContainer, mac, address, instanceIdentity } = options;
  const macs = [...new Set([...(mac === undefined ? [] : [mac]), ...(await readMacs(root))])].slice(0, 32);
  // Some firmware has a UUID that is none; it identifies nothing and the server would refuse it.
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
    addresses: address === undefined ? ownAddresses(mac) : [address],
    ...(instanceIdentity && { instanceIdentity }),
  };
}

/** Ethernet interfaces of the machine itself: bridges and what hangs on them belong to pods. */
async function readMacs(root: string): Promise<string[]> {
  const names = (await readdir(below(root, "/sys/class/net")).catch(() => [] as string[])).toSorted();
  const macs = await Promise.all(
    names.map(async (name) => {
      const entries = await readdir(below(root, `/sys/class/net/${name}`)).catch(() => [] as string[]);
      if (name === "lo" || entries.includes("bridge") || entries.includes("master")) return undefined;
      return readLine(root, `/sys/class/net/${name}/address`);
    }),
  );
  return macs.filter(
    (mac) => mac !== undefined && MacAddress.safeParse(mac).success && !/^[0:]+$/.test(mac),
  ) as string[];
}

/** Of the one interface, or of all. */
const ownAddresses = (mac: string | undefined) =>
  Object.values(networkInterfaces())
    .flatMap((entries = []) => entries)
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .filter((entry) => mac === undefined || entry.mac === mac)
    .map(({ address }) => address)
    .slice(0, 32);

async function readLine(root: string, path: string): Promise<string | undefined> {
  const text = await readFile(below(root, path), "utf8").catch(() => "");
  return text.trim() || undefined;
}
