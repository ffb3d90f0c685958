import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { readMacs, whyNoMac } from "./network-cards.ts";

/** Interfaces of sysfs: each its address, and what else its folder has. */
async function withInterfaces(interfaces: Record<string, [address: string, ...entries: string[]]>) {
  const root = await temporaryFolder("sysfs");
  for (const [name, [address, ...entries]] of Object.entries(interfaces)) {
    const path = join(root, "sys/class/net", name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "address"), `${address}\n`);
    for (const entry of entries) await mkdir(join(path, entry));
  }
  return root;
}

const mac = (last: number) => `52:54:00:00:00:0${last}`;
const infiniBand = `80:00:02:08:fe:80:${"00:".repeat(13)}01`;

describe("readMacs", () => {
  it.each<[string, Parameters<typeof withInterfaces>[0], string[]]>([
    [
      "a card in a bridge that has its address, once",
      { eth0: [mac(1), "device", "master"], br0: [mac(1), "bridge", "lower_eth0"] },
      [mac(1)],
    ],
    [
      "a bridge with an address of its own above a card, too",
      { eth0: [mac(1), "device", "master"], br0: [mac(2), "bridge", "lower_eth0"] },
      [mac(2), mac(1)],
    ],
    [
      "both cards of a bond in a bridge",
      {
        bond0: [mac(1), "bonding", "master", "lower_eth0", "lower_eth1"],
        br0: [mac(1), "bridge", "lower_bond0"],
        eth0: [mac(1), "device", "master"],
        eth1: [mac(2), "device", "master"],
      },
      [mac(1), mac(2)],
    ],
    [
      "a card in a VRF, and not the VRF's made-up address",
      { blue: [mac(9), "lower_eth0"], eth0: [mac(1), "device", "master"] },
      [mac(1)],
    ],
    ["a VLAN of a card", { eth0: [mac(1), "device"], "eth0.7": [mac(2), "lower_eth0"] }, [mac(1), mac(2)]],
    [
      "no interface of pods, with and without a bridge",
      {
        cali1: [mac(5)],
        cni0: [mac(3), "bridge", "lower_veth1"],
        eth0: [mac(1), "device"],
        "flannel.1": [mac(6)],
        veth1: [mac(4), "master"],
      },
      [mac(1)],
    ],
    ["no loopback and no address of zeros", { lo: [mac(7)], eth0: ["00:00:00:00:00:00", "device"] }, []],
    ["no InfiniBand", { eth0: [mac(1), "device"], ib0: [infiniBand, "device"] }, [mac(1)]],
  ])("returns %s", async (_, interfaces, expected) => {
    expect(await readMacs({ root: await withInterfaces(interfaces), inContainer: false })).toEqual(expected);
  });

  it("returns a container's own interface, which is no device, and none of its pods'", async () => {
    const root = await withInterfaces({
      cni0: [mac(3), "bridge", "lower_veth1"],
      host0: [mac(1)],
      veth1: [mac(4), "master"],
    });
    expect(await readMacs({ root, inContainer: true })).toEqual([mac(1)]);
    expect(await readMacs({ root, inContainer: false })).toEqual([mac(1)]);
  });
});

describe("whyNoMac", () => {
  it.each<[string, Parameters<typeof withInterfaces>[0], string]>([
    [
      "InfiniBand alone",
      { ib0: [infiniBand, "device"], ib1: [infiniBand, "device"], lo: ["00:00:00:00:00:00"] },
      "it has InfiniBand only (ib0, ib1), which is not supported; add an Ethernet card",
    ],
    ["no card", { lo: ["00:00:00:00:00:00"] }, "no network interface has an Ethernet MAC address"],
  ])("names %s", async (_, interfaces, expected) => {
    const root = await withInterfaces(interfaces);
    expect(await readMacs({ root, inContainer: false })).toEqual([]);
    expect(await whyNoMac(root)).toBe(expected);
  });
});
