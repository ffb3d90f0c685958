import { type Command, Option } from "commander";
import type { DefineCommand } from "../commands.ts";
import { loadConfig } from "../../metadata-server/config.ts";
import { dhcpModes } from "../../metadata-server/dhcp/dhcp-options.ts";
import { renderDnsmasqConfig } from "../../metadata-server/dhcp/dnsmasq-config.ts";
import { toDhcpOptions } from "../../metadata-server/dhcp/serve-dhcp.ts";
import { CliError, exitCodes } from "../exit-code.ts";

interface DhcpFlags {
  mode: string;
  interface: string;
  httpListen: string;
  range?: string;
  router?: string;
  nameServer?: string;
  ipxeDir?: string;
  dataDir: string;
}

/** `sprout dhcp-config`: prints the dnsmasq configuration that `sprout serve --dhcp` runs on this host. */
export const defineDhcpConfig: DefineCommand = (dhcpConfig, context) => {
  dhcpConfig
    .addOption(
      new Option("--mode <MODE>", "the only DHCP server (own), next to another (proxy), or for HTTP boot only (http)")
        .choices(dhcpModes)
        .makeOptionMandatory(),
    )
    .requiredOption("--interface <NAME>", "this host's interface on the machines' network")
    .requiredOption("--http-listen <ADDRESS:PORT>", "as given to `sprout serve`")
    .option("--range <FIRST-LAST>", "addresses for machines (own, http)")
    .option("--router <ADDRESS>", "the machines' router (none)")
    .option("--name-server <ADDRESS>", "the machines' name server (none)")
    .option("--ipxe-dir <DIR>", "folder of undionly.kpxe and snponly.efi (/usr/lib/ipxe)")
    .action((_flags, command: Command) => {
      context.stdout.write(render(command.optsWithGlobals<DhcpFlags>()));
    });
};

function render({ mode, interface: name, range, router, nameServer, httpListen, ipxeDir, dataDir }: DhcpFlags): string {
  try {
    const flags = { dataDir, httpListen, ipxeDir, dhcp: mode, dhcpInterface: name };
    const config = loadConfig({ ...flags, dhcpRange: range, dhcpRouter: router, dhcpNameServer: nameServer });
    const options = toDhcpOptions(config);
    return options === undefined ? "" : renderDnsmasqConfig(options);
  } catch (error) {
    throw new CliError(exitCodes.usage, (error as Error).message, { cause: error });
  }
}
