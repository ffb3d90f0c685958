import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../logger.ts";
import { checkDhcpOptions, type DhcpMode, type DhcpOptions, findInterface } from "./dhcp-options.ts";
import { type Dnsmasq, startDnsmasq } from "./dnsmasq.ts";
import { renderDnsmasqConfig } from "./dnsmasq-config.ts";

/** What the server's configuration says of DHCP. */
export interface DhcpConfig {
  dataDir: string;
  httpListen: { address: string; port: number } | null;
  dhcp: DhcpMode | null;
  dhcpInterface: string | null;
  dhcpRange: { first: string; last: string } | null;
  dhcpRouter: string | null;
  dhcpNameServer: string | null;
  ipxeDir: string;
}

/** Runs DHCP where the configuration asks for it. Throws what is missing, or dnsmasq's own reason. */
export async function startDhcp(config: DhcpConfig, logger: Logger): Promise<Dnsmasq | undefined> {
  const options = toDhcpOptions(config);
  if (options === undefined) return undefined;
  const directory = join(config.dataDir, "dhcp");
  await mkdir(directory, { recursive: true });
  const dnsmasq = await startDnsmasq({ directory, config: renderDnsmasqConfig(options), logger });
  logger.info("Serving DHCP", { mode: options.mode, interface: options.interface.name });
  return dnsmasq;
}

/** Undefined where no DHCP is asked for. */
export function toDhcpOptions(config: DhcpConfig, find = findInterface): DhcpOptions | undefined {
  const { dhcp: mode, dhcpInterface, httpListen } = config;
  if (mode === null) return undefined;
  const missing = [
    ...(dhcpInterface === null ? ["--dhcp-interface: the network that machines boot on"] : []),
    ...(httpListen === null ? ["--http-listen: where machines get what they boot"] : []),
  ];
  if (dhcpInterface === null || httpListen === null)
    throw new Error(`Cannot configure DHCP: --dhcp needs ${missing.join("; ")}`);
  const found = find(dhcpInterface);
  const [own = ""] = found.cidr.split("/");
  const address = httpListen.address === "0.0.0.0" ? own : httpListen.address;
  const options: DhcpOptions = {
    mode,
    interface: found,
    url: `http://${address}:${httpListen.port}`,
    range: config.dhcpRange,
    router: config.dhcpRouter,
    nameServer: config.dhcpNameServer,
    ipxeDir: config.ipxeDir,
    leaseFile: join(config.dataDir, "dhcp/leases"),
  };
  checkDhcpOptions(options);
  return options;
}
