import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../logger.ts";
import { type AddressRange, rangeSize } from "./address-range.ts";
import { checkDhcpOptions, type DhcpMode, type DhcpOptions } from "./dhcp-options.ts";
import { startDnsmasq } from "./dnsmasq.ts";
import { renderDnsmasqConfig } from "./dnsmasq-config.ts";
import { findInterface } from "./host-interface.ts";
import type { KnownCard } from "./plan-addresses.ts";
import { openReservations } from "./reservations.ts";

/** The part of the server's configuration that concerns DHCP. */
interface DhcpConfig {
  dataDir: string;
  httpListen: { address: string; port: number } | null;
  dhcp: DhcpMode | null;
  dhcpInterface: string | null;
  dhcpRange: AddressRange | null;
  dhcpRouter: string | null;
  dhcpNameServer: string | null;
  ipxeDir: string;
}

/** A running DHCP server. */
export interface Dhcp {
  /** Gives each card an address of its own, if it has none yet. The most important cards come first. */
  reserve: (cards: readonly KnownCard[]) => Promise<void>;
  close(): Promise<void>;
}

/** Runs DHCP if it is configured. Throws with every missing option, or with dnsmasq's reason. */
export async function startDhcp(
  config: DhcpConfig,
  { logger, listCards }: { logger: Logger; listCards: () => Promise<readonly KnownCard[]> },
): Promise<Dhcp | undefined> {
  const options = toDhcpOptions(config);
  if (options === undefined) return undefined;
  const { mode, interface: own, range, router, nameServer, leaseFile } = options;
  const directory = join(config.dataDir, "dhcp");
  await mkdir(directory, { recursive: true });
  if (range !== null) warnOfSmallRange(range, logger);
  const taken = [router, nameServer].filter((address) => address !== null);
  const keptFile = join(directory, "hosts");
  const reservations = range && (await openReservations({ range, taken, leaseFile, keptFile, logger }));
  await reservations?.update(await listCards());
  const rendered = renderDnsmasqConfig({ ...options, ...(reservations && { hostsFile: reservations.file }) });
  const dnsmasq = await startDnsmasq({ directory, config: rendered, logger });
  logger.info("Serving DHCP", { mode, interface: own.name });
  return {
    async reserve(known) {
      if (await reservations?.update(known)) dnsmasq.reload();
    },
    async close() {
      await dnsmasq.close();
      await reservations?.close();
    },
  };
}

/** So many unknown machines can boot at once, and two of them are offered the same address one time in eighty. */
const safeAtOnce = (addresses: number) => Math.floor(Math.sqrt(addresses / 40));
const leastAtOnce = 10;

function warnOfSmallRange(range: AddressRange, logger: Logger): void {
  const addresses = rangeSize(range);
  if (safeAtOnce(addresses) < leastAtOnce)
    logger.warn(
      "The DHCP range is small: unknown machines that boot at once may be offered the same address, and be refused; give --dhcp-range a larger one, or register machines first",
      { addresses, safeAtOnce: safeAtOnce(addresses) },
    );
}

/** Returns undefined if DHCP is not configured. Throws with every option that is missing or wrong. */
export function toDhcpOptions(config: DhcpConfig, find = findInterface): DhcpOptions | undefined {
  const { dhcp: mode, dhcpInterface, httpListen } = config;
  if (mode === null) return undefined;
  const missing = [
    ...(dhcpInterface === null ? ["--dhcp-interface: the network that machines boot on"] : []),
    ...(httpListen === null ? ["--http-listen: where machines load kernel and images"] : []),
  ];
  if (dhcpInterface === null || httpListen === null)
    throw new Error(`Cannot configure DHCP: --dhcp needs ${missing.join("; ")}`);
  const found = find(dhcpInterface, { listenAddress: httpListen.address, range: config.dhcpRange });
  const address = httpListen.address === "0.0.0.0" ? found.address : httpListen.address;
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
