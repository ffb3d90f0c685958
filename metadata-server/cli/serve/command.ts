import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { loadConfig, type Config, type ConfigFlags } from "../../config.ts";
import { createJsonLogger, type Logger } from "../../logger.ts";
import type { RunningServer } from "../../serve.ts";
import type { CliContext } from "../context.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import type { AddCommands } from "../program.ts";
import { claimEphemeralDirectory, deleteEveryCluster, removeEphemeralDirectory } from "./ephemeral.ts";
import { openLifeline } from "./lifeline.ts";

export type StartServer = (config: Config, options: { logger: Logger; ephemeral: boolean }) => Promise<RunningServer>;

interface ServeFlags extends ConfigFlags {
  ephemeral?: boolean;
  json?: boolean;
}

/** `sprout serve`: the metadata server in this process, until SIGINT or SIGTERM. */
export const addServeCommand =
  (start: StartServer): AddCommands =>
  (program, context) => {
    program
      .command("serve")
      .description("run the metadata server on this host")
      .option("--port <PORT>", "of the API, for people and machines (8443)")
      .option("--listen-address <ADDRESS>", "(0.0.0.0)")
      .option(
        "--http-listen <ADDRESS:PORT>",
        "plain HTTP for network boot and cloud-init, on a network of its own (none)",
      )
      .option("--dhcp <MODE>", "run dnsmasq: own, proxy (beside another DHCP server) or http (none)")
      .option("--dhcp-interface <NAME>", "on the machines' network")
      .option("--dhcp-range <FIRST-LAST>", "addresses to give out (own, http)")
      .option("--dhcp-router <ADDRESS>", "the machines' way out (none)")
      .option("--dhcp-name-server <ADDRESS>", "for the machines (none)")
      .option("--ipxe-dir <DIR>", "with undionly.kpxe and snponly.efi (/usr/lib/ipxe)")
      .option("--cache-dir <DIR>", "baked images and Kubernetes binaries (/var/cache/sprout)")
      .option("--base-domain <DOMAIN>", "what clusters' names end with (sprout.internal)")
      .option("--nspawn-subnet <CIDR>", "a /16 for the machines on this host (10.77.0.0/16)")
      .option("--server-names <NAMES>", "comma-separated: what else the server's certificate is valid for")
      .option("--deleted-retention-seconds <N>", "how long deleted clusters can still be asked for (86400)")
      .option("--audit-entries <N>", "length of the audit log (100000)")
      .option("--store <STORE>", "sqlite (a file in the data directory), or the URL of a Redis (sqlite)")
      .option("--ec2-region <REGION>", "launch instances of EC2 there (none); credentials as the AWS SDK finds them")
      .option("--ec2-images <VERSION=AMI,…>", "an AMI for each Kubernetes version")
      .option("--ec2-subnets <IDS>", "comma-separated, one a zone; a cluster is in one of them")
      .option("--ec2-security-groups <IDS>", "comma-separated, of every instance")
      .option("--ec2-instance-types <TYPES>", "comma-separated, the next where one has no capacity")
      .option("--ec2-control-plane-instance-types <TYPES>", "the same for control planes (as for workers)")
      .option("--ec2-instance-profile <NAME>", "IAM instance profile of every instance (none)")
      .option("--ec2-spot", "spot instances (on demand)")
      .option("--ec2-identity-certificates <FILE>", "PEM: the RSA certificates of the region, as AWS documents them")
      .option("--ec2-server-url <URL>", "this server as instances reach it (this host's name)")
      .option("--ec2-endpoint <URL>", "of EC2's API (the region's own)")
      .option("--external-server-url <URL>", "this server as machines reach it that somebody else launches (none)")
      .option("--external-kubernetes-versions <VERSIONS>", "comma-separated, of their images; the first by default")
      .option("--log-level <LEVEL>", "info, warn or error (info)")
      .option(
        "--ephemeral",
        "when stdin closes or a signal comes, delete every cluster and the data directory; a line `keep` on stdin leaves only the signal",
      )
      .action(async (_flags, command: Command) => {
        const { ephemeral = false, json = false, ...given } = command.optsWithGlobals<ServeFlags>();
        await serve(toConfig(given), { context, start, ephemeral, json });
      });
  };

/** The client's own global flags mean nothing to the server. */
function toConfig({ server: _server, ca: _ca, tokenFile: _tokenFile, ...flags }: Record<string, unknown>): Config {
  try {
    return loadConfig(flags);
  } catch (error) {
    throw new CliError(exitCodes.usage, (error as Error).message, { cause: error });
  }
}

interface ServeOptions {
  context: CliContext;
  start: StartServer;
  ephemeral: boolean;
  json: boolean;
}

async function serve(config: Config, { context, start, ephemeral, json }: ServeOptions): Promise<void> {
  const logger = fromLevel(
    config.logLevel,
    createJsonLogger((line) => void context.stderr.write(line)),
  );
  if (!ephemeral) {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await serveUntil(context.signal, { config, context, start, logger, json });
    return;
  }
  await claimEphemeralDirectory(config.dataDir);
  const lifeline = openLifeline(process.stdin);
  try {
    const signal = AbortSignal.any([context.signal, lifeline.lost]);
    const atEnd = async (server: RunningServer) => {
      await deleteEveryCluster(server, context.now);
      await server.erase();
    };
    await serveUntil(signal, { config, context, start, logger, json, atEnd });
  } finally {
    lifeline.close();
  }
  await removeEphemeralDirectory(config.dataDir);
}

interface ServeUntilOptions extends Omit<ServeOptions, "ephemeral"> {
  config: Config;
  logger: Logger;
  atEnd?: (server: RunningServer) => Promise<void>;
}

async function serveUntil(signal: AbortSignal, options: ServeUntilOptions): Promise<void> {
  const { config, context, start, logger, json, atEnd } = options;
  const server = await start(config, { logger, ephemeral: atEnd !== undefined });
  try {
    const { url, caFile } = server;
    const { tokenFile } = config;
    context.stdout.write(
      json
        ? `${JSON.stringify({ url, caFile, tokenFile })}\n`
        : `Serving ${url}\nAPI token: ${tokenFile}\nAuthority: ${caFile}\n`,
    );
    await untilAborted(signal);
    logger.info("stopping");
    await atEnd?.(server);
  } finally {
    await server.close();
  }
}

const levels = ["info", "warn", "error"] as const;

function fromLevel(lowest: Config["logLevel"], logger: Logger): Logger {
  const quiet = levels.slice(0, levels.indexOf(lowest));
  return { ...logger, ...Object.fromEntries(quiet.map((level) => [level, () => undefined])) };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
