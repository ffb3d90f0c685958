import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DnsLabel } from "#api/name.ts";
import { Address, Cidr } from "#api/network.ts";
import { AddressRange, dhcpModes, InterfaceName } from "./dhcp/dhcp-options.ts";
import { checkEc2Options, ec2Options, ec2Variables } from "./providers/ec2/ec2-options.ts";
import { checkExternalOptions, externalOptions, externalVariables } from "./providers/external/external-options.ts";
import { parseRedisUrl, type RedisTarget } from "./store/redis/redis-url.ts";

const port = z.coerce.number("must be a port").pipe(z.int().min(1).max(65_535));
const directory = z.string().startsWith("/", "must be an absolute path").max(200);
const hostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/, "must be a host name or an IPv4 address");

/** Where clusters are kept: null for the file in the data directory. Messages do not repeat it: it may hold a password. */
const StoreTarget = z.string().transform((text, context): RedisTarget | null => {
  if (text === "sqlite") return null;
  try {
    return parseRedisUrl(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

/** `ADDRESS:PORT`, or a port on every address. */
const ListenAddress = z
  .string()
  .regex(/^(?:[\d.]+:)?\d+$/, "must be ADDRESS:PORT, such as 192.0.2.1:80")
  .transform((text): { address: string; port: unknown } => {
    const [number, address = "0.0.0.0"] = text.split(":").toReversed();
    return { address, port: number };
  })
  .pipe(z.object({ address: z.ipv4("must have an IPv4 address"), port }));

/** A domain such as `sprout.internal`; short, because node names may have 52 characters in all. */
const BaseDomain = z
  .string()
  .max(40)
  .refine((text) => text.split(".").every((label) => DnsLabel.safeParse(label).success), "must be a lower-case domain");

const Fields = z.strictObject({
  dataDir: directory.default("/var/lib/sprout"),
  cacheDir: directory.default("/var/cache/sprout"),
  listenAddress: z.ipv4("must be an IPv4 address").default("0.0.0.0"),
  port: port.default(8443),
  /** Plain HTTP for what firmware and cloud-init ask; null for none. */
  httpListen: ListenAddress.nullable().default(null),
  /** Run a DHCP server for machines that boot over the network; null for none. */
  dhcp: z.enum(dhcpModes).nullable().default(null),
  dhcpInterface: InterfaceName.nullable().default(null),
  dhcpRange: AddressRange.nullable().default(null),
  dhcpRouter: Address.nullable().default(null),
  dhcpNameServer: Address.nullable().default(null),
  /** Of Debian's package ipxe: undionly.kpxe and snponly.efi, for firmware that is no iPXE. */
  ipxeDir: directory.default("/usr/lib/ipxe"),
  baseDomain: BaseDomain.default("sprout.internal"),
  nspawnSubnet: Cidr.regex(/\.0\.0\/16$/, "must be a /16, such as 10.77.0.0/16").default("10.77.0.0/16"),
  /** Further names and addresses the server's certificate is valid for. */
  serverNames: z
    .preprocess((value) => (typeof value === "string" ? value.split(",") : value), z.array(hostName).max(32))
    .default([]),
  /** How long a deleted cluster, its timeline and its Idempotency-Key can still be asked for. */
  deletedRetentionSeconds: z.coerce
    .number("must be a number of seconds")
    .pipe(
      z
        .int()
        .min(60)
        .max(365 * 86_400),
    )
    .default(86_400),
  /** Entries; the oldest are dropped. */
  auditEntries: z.coerce.number("must be a whole number").pipe(z.int().min(1000).max(10_000_000)).default(100_000),
  store: StoreTarget.default(null),
  ...ec2Options,
  ...externalOptions,
  logLevel: z.enum(["info", "warn", "error"]).default("info"),
});
const Settings = Fields.superRefine((settings, context) => {
  checkExternalOptions(settings, context);
  checkEc2Options(settings, context);
});

const variables = {
  dataDir: "SPROUT_DATA_DIR",
  cacheDir: "SPROUT_CACHE_DIR",
  listenAddress: "SPROUT_LISTEN_ADDRESS",
  port: "SPROUT_PORT",
  httpListen: "SPROUT_HTTP_LISTEN",
  dhcp: "SPROUT_DHCP",
  dhcpInterface: "SPROUT_DHCP_INTERFACE",
  dhcpRange: "SPROUT_DHCP_RANGE",
  dhcpRouter: "SPROUT_DHCP_ROUTER",
  dhcpNameServer: "SPROUT_DHCP_NAME_SERVER",
  ipxeDir: "SPROUT_IPXE_DIR",
  baseDomain: "SPROUT_BASE_DOMAIN",
  nspawnSubnet: "SPROUT_NSPAWN_SUBNET",
  serverNames: "SPROUT_SERVER_NAMES",
  deletedRetentionSeconds: "SPROUT_DELETED_RETENTION_SECONDS",
  auditEntries: "SPROUT_AUDIT_ENTRIES",
  store: "SPROUT_STORE",
  ...ec2Variables,
  ...externalVariables,
  logLevel: "SPROUT_LOG_LEVEL",
} satisfies Record<keyof z.infer<typeof Settings>, string>;

interface Derived {
  hostName: string;
  databaseFile: string;
  tokenFile: string;
  /** The server's address on the nspawn network, as machines reach it. */
  nspawnServerAddress: string;
}

export type Config = Readonly<z.infer<typeof Settings> & Derived>;
export type ConfigFlags = { [K in keyof typeof variables]?: unknown };

/** A setting that cannot be used; names every one of them by its flag or variable. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Flags win over the environment, which wins over defaults. Throws ConfigError with every bad setting at once. */
export function loadConfig(flags: ConfigFlags = {}, environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.entries(variables).flatMap(([setting, variable]) => {
    const value = flags[setting as keyof ConfigFlags] ?? environment[variable];
    return value === undefined ? [] : [[setting, value] as const];
  });
  const unknown = Object.keys(flags).filter((flag) => !Object.hasOwn(variables, flag));
  const parsed = Settings.safeParse(Object.fromEntries(given));
  if (!parsed.success || unknown.length > 0)
    throw new ConfigError(
      `Cannot use configuration: ${[...unknownProblems(unknown), ...problems(parsed.error)].join("; ")}`,
    );
  const settings = parsed.data;
  return Object.freeze({
    ...settings,
    hostName: hostname(),
    databaseFile: join(settings.dataDir, "sprout.db"),
    tokenFile: join(settings.dataDir, "token"),
    nspawnServerAddress: settings.nspawnSubnet.replace(".0.0/16", ".255.254"),
  });
}

const toFlag = (setting: string) => `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const unknownProblems = (names: string[]) => names.map((name) => `${name} is not a setting`);

const problems = (error: z.ZodError | undefined) =>
  (error?.issues ?? []).map((issue) => {
    const setting = String(issue.path[0]) as keyof typeof variables;
    return `${toFlag(setting)} (${variables[setting]}) ${issue.message}`;
  });
