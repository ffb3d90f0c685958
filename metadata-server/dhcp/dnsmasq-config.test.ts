import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { AddressRange, type DhcpOptions, dhcpModes, findInterface, InterfaceName } from "./dhcp-options.ts";
import { renderDnsmasqConfig } from "./dnsmasq-config.ts";

const own: DhcpOptions = {
  mode: "own",
  interface: { name: "eth1", cidr: "192.0.2.1/24", netmask: "255.255.255.0", hasIpv6: true },
  url: "http://192.0.2.1:8080",
  range: { first: "192.0.2.50", last: "192.0.2.150" },
  router: "192.0.2.254",
  nameServer: "192.0.2.53",
  ipxeDir: "/usr/lib/ipxe",
  leaseFile: "/var/lib/sprout/dhcp/leases",
};
const without = { range: null, router: null, nameServer: null };
const all: Record<string, DhcpOptions> = {
  own,
  "own, with nothing optional": {
    ...own,
    router: null,
    nameServer: null,
    interface: { ...own.interface, hasIpv6: false },
  },
  proxy: { ...own, mode: "proxy", ...without },
  http: { ...own, mode: "http" },
};

describe("renderDnsmasqConfig", () => {
  it.skipIf(!findProgram("dnsmasq")).each(Object.keys(all))("writes what dnsmasq takes: %s", async (name) => {
    const file = join(await temporaryFolder("dnsmasq"), "dnsmasq.conf");
    await writeFile(file, renderDnsmasqConfig(all[name] ?? own));
    const { stderr } = spawnSync("dnsmasq", ["--test", `--conf-file=${file}`], { encoding: "utf8" });
    expect(stderr).toBe("dnsmasq: syntax check OK.\n");
  });

  it("has a situation for every mode", () => {
    expect(new Set(Object.values(all).map(({ mode }) => mode))).toEqual(new Set(dhcpModes));
  });

  it("gives iPXE the script, UEFI HTTP boot and PXE firmware an iPXE of their own", () => {
    const lines = renderDnsmasqConfig(own).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "interface=eth1",
        "dhcp-range=192.0.2.50,192.0.2.150,255.255.255.0,1h",
        "dhcp-option=option:router,192.0.2.254",
        "dhcp-boot=tag:ipxe,http://192.0.2.1:8080/boot.ipxe",
        "dhcp-boot=tag:!ipxe,tag:http-x64,http://192.0.2.1:8080/assets/ipxe/snponly.efi",
        "dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe",
      ]),
    );
  });

  it("gives out no address beside another DHCP server, and uses no TFTP for HTTP alone", () => {
    const proxy = renderDnsmasqConfig(all["proxy"] ?? own);
    expect(proxy).toContain("\ndhcp-range=192.0.2.0,proxy,255.255.255.0\n");
    expect(proxy).not.toContain("dhcp-authoritative");
    expect(renderDnsmasqConfig(all["http"] ?? own)).not.toContain("tftp-root");
  });

  it.each<[string, Partial<DhcpOptions>, string]>([
    ["no range", { range: null }, "mode own needs a range of addresses to give out"],
    [
      "a range of another network",
      { range: { first: "192.0.2.50", last: "192.0.3.1" } },
      "the range's last address is not in 192.0.2.0/24",
    ],
    ["a range backwards", { range: { first: "192.0.2.9", last: "192.0.2.8" } }, "the range ends before it starts"],
    [
      "a range over the host",
      { range: { first: "192.0.2.1", last: "192.0.2.9" } },
      "the range contains this host's own address 192.0.2.1",
    ],
    [
      "a range for a proxy",
      { mode: "proxy" },
      "mode proxy gives out no addresses, and takes no range, router or name server",
    ],
  ])("refuses %s", (_what, options, problem) => {
    expect(() => renderDnsmasqConfig({ ...own, ...options })).toThrow(new Error(`Cannot configure DHCP: ${problem}`));
  });
});

describe("Options of DHCP", () => {
  it.each(["eth0\nport=53", "-x", "", "an-interface-too-long"])("refuse interface %j", (name) => {
    expect(InterfaceName.safeParse(name).success).toBe(false);
  });

  it.each(["192.0.2.1", "192.0.2.1-", "192.0.2.1-192.0.2.2-192.0.2.3", "a-b", "192.0.2.1-192.0.2.2\nport=53"])(
    "refuse range %j",
    (range) => {
      expect(AddressRange.safeParse(range).success).toBe(false);
    },
  );

  it("take an interface's IPv4 network, and whether IPv6 reaches further than the link", () => {
    const common = { mac: "52:54:00:00:00:01", internal: false } as const;
    const ipv4 = { ...common, family: "IPv4", address: "192.0.2.1", netmask: "255.255.255.0", cidr: "192.0.2.1/24" };
    const ipv6 = (address: string) => ({
      ...common,
      family: "IPv6" as const,
      address,
      netmask: "ffff:ffff:ffff:ffff::",
      cidr: `${address}/64`,
      scopeid: 0,
    });
    const interfaces = { eth1: [{ ...ipv4, family: "IPv4" as const }, ipv6("fe80::1")], eth2: [ipv6("fd99::1")] };
    expect(findInterface("eth1", interfaces)).toEqual({
      name: "eth1",
      cidr: "192.0.2.1/24",
      netmask: "255.255.255.0",
      hasIpv6: false,
    });
    const both = { eth1: [...interfaces.eth1, ...interfaces.eth2] };
    expect(findInterface("eth1", both).hasIpv6).toBe(true);
    expect(() => findInterface("eth2", interfaces)).toThrow("eth2 has no IPv4 address; give it one first");
    expect(() => findInterface("eth3", interfaces)).toThrow(
      "this host has no interface eth3 that is up; it has eth1, eth2",
    );
  });
});
