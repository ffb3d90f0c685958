import { type Command, Option } from "commander";
import { loadConfig } from "../../config.ts";
import { dhcpModes } from "../../dhcp/dhcp-options.ts";
import { renderDnsmasqConfig } from "../../dhcp/dnsmasq-config.ts";
import { toDhcpOptions } from "../../dhcp/serve-dhcp.ts";
import type { CliContext } from "../context.ts";
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

/** `sprout dhcp-config`: dnsmasq's configuration on stdout, as `sprout serve --dhcp` would run it on this host. */
export function addDhcpCommand(program: Command, context: CliContext): void {
  program
    .command("dhcp-config")
    .description("print a dnsmasq configuration for machines that boot over the network")
    .addOption(
      new Option("--mode <MODE>", "DHCP of its own, beside another, or for HTTP boot alone")
        .choices(dhcpModes)
        .makeOptionMandatory(),
    )
    .requiredOption("--interface <NAME>", "of this host, on the machines' network")
    .requiredOption("--http-listen <ADDRESS:PORT>", "as given to `sprout serve`")
    .option("--range <FIRST-LAST>", "addresses to give out (own, http)")
    .option("--router <ADDRESS>", "the machines' way out (none)")
    .option("--name-server <ADDRESS>", "for the machines (none)")
    .option("--ipxe-dir <DIR>", "with undionly.kpxe and snponly.efi (/usr/lib/ipxe)")
    .action((_flags, command: Command) => {
      context.stdout.write(render(command.optsWithGlobals<DhcpFlags>()));
    });
}

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
