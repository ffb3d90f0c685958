import { readFileSync } from "node:fs";
import { join } from "node:path";
import { templatesFolder } from "../../templates/folder.ts";
import { renderTemplate } from "../../templates/render.ts";
import { nthAddress } from "#lib/subnet.ts";
import type { DhcpOptions } from "./dhcp-options.ts";

/** Renders dnsmasq's configuration for a DHCP mode. The options must be checked. */
export function renderDnsmasqConfig(options: DhcpOptions): string {
  const { mode, url, range, router, nameServer, ipxeDir, leaseFile, hostsFile } = options;
  const { name, subnet, netmask, hasIpv6 } = options.interface;
  const file = `dnsmasq/${mode}.conf`;
  const text = readFileSync(join(templatesFolder, file), "utf8");
  const common = { interface: name, netmask, url };
  if (mode === "proxy") return renderTemplate({ file, text }, { ...common, network: nthAddress(subnet, 0), ipxeDir });
  return renderTemplate(
    { file, text },
    {
      ...common,
      range: range ?? {},
      router: toSection(router),
      nameServer: toSection(nameServer),
      routerAdvertisements: hasIpv6,
      leaseFile,
      hostsFile: hostsFile === undefined ? [] : [{ path: hostsFile }],
      ...(mode === "own" && { ipxeDir }),
    },
  );
}

const toSection = (address: string | null) => (address === null ? [] : [{ address }]);
