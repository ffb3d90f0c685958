import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { findInterface } from "./host-interface.ts";

const common = { mac: "52:54:00:00:00:01", internal: false, netmask: "" } as const;
const ipv4 = (cidr: string) => ({ ...common, family: "IPv4" as const, address: cidr.split("/")[0] ?? "", cidr });
const ipv6 = (address: string) => ({ ...common, family: "IPv6" as const, address, cidr: `${address}/64`, scopeid: 0 });
const all = "0.0.0.0";
const nothing = { listenAddress: all, range: null };
const range = { first: "10.30.0.50", last: "10.30.0.99" };

describe("findInterface", () => {
  it("finds an interface's IPv4 network, and this host's addresses", () => {
    const interfaces = { lo: [ipv4("127.0.0.1/8")], eth1: [{ ...ipv4("192.0.2.1/24"), netmask: "255.255.255.0" }] };
    expect(findInterface("eth1", nothing, interfaces)).toEqual({
      name: "eth1",
      address: "192.0.2.1",
      subnet: parseSubnet("192.0.2.0/24"),
      netmask: "255.255.255.0",
      hostAddresses: ["127.0.0.1", "192.0.2.1"],
      hasIpv6: false,
    });
  });

  it("says whether an interface has IPv6 beyond link-local", () => {
    const found = [[], ["fe80::1"], ["fe80::1", "fd99::1"]].map((addresses) =>
      findInterface("eth1", nothing, { eth1: [ipv4("192.0.2.1/24"), ...addresses.map(ipv6)] }),
    );
    expect(found.map(({ hasIpv6 }) => hasIpv6)).toEqual([false, false, true]);
  });

  it.each([
    ["of the HTTP listener", { listenAddress: "10.30.0.1", range }, "10.30.0.1"],
    ["of the HTTP listener, whatever the range", { listenAddress: "192.0.2.5", range }, "192.0.2.5"],
    ["of the HTTP listener without a range", { listenAddress: "10.30.0.1", range: null }, "10.30.0.1"],
    ["whose network holds the range", { listenAddress: all, range }, "10.30.0.1"],
    ["whose network holds the range if it listens elsewhere", { listenAddress: "198.51.100.7", range }, "10.30.0.1"],
  ])("takes the address %s", (_which, wanted, address) => {
    const eth1 = [ipv4("192.0.2.5/24"), ipv4("10.30.0.1/24"), ipv4("172.16.0.1/16")];
    expect(findInterface("eth1", wanted, { eth1 }).address).toBe(address);
  });

  it("takes the narrower of two networks that hold the range", () => {
    const eth1 = [ipv4("10.30.1.1/16"), ipv4("10.30.0.1/24"), ipv4("10.30.0.2/24")];
    expect(findInterface("eth1", { listenAddress: all, range }, { eth1 }).address).toBe("10.30.0.1");
  });

  it("does not take a /32 next to a network, even if the server listens there", () => {
    const eth1 = [ipv4("10.30.0.9/32"), ipv4("192.0.2.5/32"), ipv4("10.30.0.1/24")];
    for (const listenAddress of [all, "10.30.0.9", "192.0.2.5"])
      expect(findInterface("eth1", { listenAddress, range: null }, { eth1 }).address).toBe("10.30.0.1");
  });

  it.each([
    ["nothing says which", nothing],
    ["none holds the range", { listenAddress: all, range: { first: "203.0.113.50", last: "203.0.113.99" } }],
    ["none holds all of the range", { listenAddress: all, range: { first: "10.30.0.50", last: "10.30.1.50" } }],
  ])("refuses an interface with two networks if %s, and names them", (_why, wanted) => {
    const eth1 = [ipv4("192.0.2.5/24"), ipv4("10.30.0.1/24")];
    expect(() => findInterface("eth1", wanted, { eth1 })).toThrow(
      "Cannot configure DHCP: eth1 has 192.0.2.5/24, 10.30.0.1/24, and neither --http-listen nor the range says which is meant; give --http-listen one of these addresses",
    );
  });

  it("refuses an interface without an IPv4 address, and one that is not there", () => {
    const interfaces = { eth1: [ipv4("192.0.2.1/24")], eth2: [ipv6("fd99::1")] };
    expect(() => findInterface("eth2", nothing, interfaces)).toThrow("eth2 has no IPv4 address; give it one first");
    expect(() => findInterface("eth3", nothing, interfaces)).toThrow(
      "this host has no interface eth3 that is up; it has eth1, eth2",
    );
  });
});
