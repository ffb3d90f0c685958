import { expect, it } from "vitest";
import { loadConfig } from "../config.ts";
import { toDhcpOptions } from "./serve-dhcp.ts";

const eth1 = (name: string) => ({ name, cidr: "192.0.2.1/24", netmask: "255.255.255.0", hasIpv6: false });

it("runs no DHCP that nobody asked for", () => {
  expect(toDhcpOptions(loadConfig({ httpListen: "80" }, {}), eth1)).toBeUndefined();
});

it("names the interface's own address where the server listens on every one", () => {
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

it("says everything that DHCP needs and does not have", () => {
  expect(() => toDhcpOptions(loadConfig({ dhcp: "proxy" }, {}), eth1)).toThrow(
    new Error(
      "Cannot configure DHCP: --dhcp needs --dhcp-interface: the network that machines boot on; --http-listen: where machines get what they boot",
    ),
  );
});
