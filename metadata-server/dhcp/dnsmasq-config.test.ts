import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { findProgram } from "../../test/fixtures/find-program.ts";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { checkDhcpOptions, type DhcpOptions, dhcpModes, InterfaceName } from "./dhcp-options.ts";
import { renderDnsmasqConfig } from "./dnsmasq-config.ts";

const subnet = parseSubnet("192.0.2.0/24");
const eth1 = {
  name: "eth1",
  address: "192.0.2.1",
  subnet,
  netmask: "255.255.255.0",
  hostAddresses: ["192.0.2.1", "192.0.2.2"],
};
const own: DhcpOptions = {
  mode: "own",
  interface: { ...eth1, hasIpv6: true },
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
  "own, with addresses of the inventory": { ...own, hostsFile: "/tmp/sprout-dhcp-a/hosts" },
  "http, with addresses of the inventory": { ...own, mode: "http", hostsFile: "/tmp/sprout-dhcp-a/hosts" },
};

describe("renderDnsmasqConfig", () => {
  it.skipIf(!findProgram("dnsmasq")).each(Object.keys(all))(
    "writes a configuration that dnsmasq accepts: %s",
    async (name) => {
      const file = join(await temporaryFolder("dnsmasq"), "dnsmasq.conf");
      await writeFile(file, renderDnsmasqConfig(all[name] ?? own));
      const { stderr } = spawnSync("dnsmasq", ["--test", `--conf-file=${file}`], { encoding: "utf8" });
      expect(stderr).toBe("dnsmasq: syntax check OK.\n");
    },
  );

  it("covers every DHCP mode", () => {
    expect(new Set(Object.values(all).map(({ mode }) => mode))).toEqual(new Set(dhcpModes));
  });

  it("gives iPXE the script, and UEFI HTTP boot and PXE firmware an iPXE", () => {
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

  it.each(["own", "http"])(
    "reads the inventory's addresses in mode %s, and says how large the range must be",
    (mode) => {
      const hostsFile = "/tmp/sprout-dhcp-a/hosts";
      expect(renderDnsmasqConfig({ ...(all[mode] ?? own), hostsFile })).toContain(`\ndhcp-hostsfile=${hostsFile}\n`);
      const printed = renderDnsmasqConfig(all[mode] ?? own);
      expect(printed).not.toContain("dhcp-hostsfile=");
      expect(printed.replaceAll("\n# ", " ")).toContain("how many unknown machines boot at once: a /16 for 40.");
    },
  );

  it("assigns no address next to another DHCP server, and uses no TFTP for HTTP boot", () => {
    const proxy = renderDnsmasqConfig(all["proxy"] ?? own);
    expect(proxy).toContain("\ndhcp-range=192.0.2.0,proxy,255.255.255.0\n");
    expect(proxy).not.toContain("dhcp-authoritative");
    expect(renderDnsmasqConfig(all["http"] ?? own)).not.toContain("tftp-root");
  });
});

describe("checkDhcpOptions", () => {
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
      "the range contains this host's own address 192.0.2.1; the range contains this host's own address 192.0.2.2",
    ],
    [
      "a range for a proxy",
      { mode: "proxy" },
      "mode proxy gives out no addresses, and takes no range, router or name server",
    ],
  ])("refuses %s", (_what, options, problem) => {
    expect(() => checkDhcpOptions({ ...own, ...options })).toThrow(new Error(`Cannot configure DHCP: ${problem}`));
  });
});

describe("DHCP options", () => {
  it.each(["eth0\nport=53", "-x", "", "an-interface-too-long"])("refuses interface %j", (name) => {
    expect(InterfaceName.safeParse(name).success).toBe(false);
  });
});
