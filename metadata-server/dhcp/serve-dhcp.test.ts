import { describe, expect, it, vi } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { loadConfig } from "../config.ts";
import type { findInterface } from "./host-interface.ts";
import { toDhcpOptions } from "./serve-dhcp.ts";

const subnet = parseSubnet("192.0.2.0/24");
const common = { address: "192.0.2.1", subnet, netmask: "255.255.255.0", hostAddresses: ["192.0.2.1"], hasIpv6: false };
const eth1 = (name: string) => ({ name, ...common });

describe("toDhcpOptions", () => {
  it("returns undefined if DHCP is not configured", () => {
    expect(toDhcpOptions(loadConfig({ httpListen: "80" }, {}), eth1)).toBeUndefined();
  });

  it("uses the interface's address in the URL if the server listens on every address", () => {
    const flags = { dhcp: "own", dhcpInterface: "eth1", dhcpRange: "192.0.2.50-192.0.2.99", dataDir: "/srv/sprout" };
    expect(toDhcpOptions(loadConfig({ ...flags, httpListen: "8080" }, {}), eth1)).toEqual({
      mode: "own",
      interface: eth1("eth1"),
      url: "http://192.0.2.1:8080",
      range: { first: "192.0.2.50", last: "192.0.2.99" },
      router: null,
      nameServer: null,
      ipxeDir: "/usr/lib/ipxe",
      leaseFile: "/srv/sprout/dhcp/leases",
    });
    expect(toDhcpOptions(loadConfig({ ...flags, httpListen: "198.51.100.7:80" }, {}), eth1)?.url).toBe(
      "http://198.51.100.7:80",
    );
  });

  it("finds the interface by the listener's address and the range", () => {
    const flags = {
      dhcp: "http",
      dhcpInterface: "eth1",
      dhcpRange: "192.0.2.50-192.0.2.99",
      httpListen: "192.0.2.1:80",
    };
    const find = vi.fn<typeof findInterface>(eth1);
    toDhcpOptions(loadConfig(flags, {}), find);
    const range = { first: "192.0.2.50", last: "192.0.2.99" };
    expect(find).toHaveBeenCalledWith("eth1", { listenAddress: "192.0.2.1", range });
  });

  it("names every missing option", () => {
    expect(() => toDhcpOptions(loadConfig({ dhcp: "proxy" }, {}), eth1)).toThrow(
      new Error(
        "Cannot configure DHCP: --dhcp needs --dhcp-interface: the network that machines boot on; --http-listen: where machines load kernel and images",
      ),
    );
  });

  it("refuses options that cannot be used together", () => {
    const flags = { dhcp: "own", dhcpInterface: "eth1", httpListen: "80" };
    expect(() => toDhcpOptions(loadConfig(flags, {}), eth1)).toThrow(
      new Error("Cannot configure DHCP: mode own needs a range of addresses to give out"),
    );
  });
});
