import { readFileSync } from "node:fs";
import { renderTemplate } from "../../templates/render.ts";
import { parseSubnet, formatSubnet } from "../clusters/subnet.ts";
import { checkDhcpOptions, type DhcpOptions } from "./dhcp-options.ts";

/** Configuration of dnsmasq for one of the three situations. Throws with everything that is wrong with the options. */
export function renderDnsmasqConfig(options: DhcpOptions): string {
  checkDhcpOptions(options);
  const { mode, url, range, router, nameServer, ipxeDir, leaseFile } = options;
  const { name, cidr, netmask, hasIpv6 } = options.interface;
  const file = `dnsmasq/${mode}.conf`;
  const text = readFileSync(new URL(`../../templates/${file}`, import.meta.url), "utf8");
  const common = { interface: name, netmask, url };
  if (mode === "proxy") {
    const [network = ""] = formatSubnet(parseSubnet(cidr)).split("/");
    return renderTemplate({ file, text }, { ...common, network, ipxeDir });
  }
  return renderTemplate(
    { file, text },
    {
      ...common,
      range: range ?? {},
      router: toSection(router),
      nameServer: toSection(nameServer),
      routerAdvertisements: hasIpv6,
      leaseFile,
      ...(mode === "own" && { ipxeDir }),
    },
  );
}

const toSection = (address: string | null) => (address === null ? [] : [{ address }]);
