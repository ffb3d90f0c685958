import { isIPv4 } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { parseFields } from "#api/field-errors.ts";
import { DnsLabel } from "#api/name.ts";
import { Address, Cidr } from "#api/network.ts";
import { toHostName } from "#lib/host-name.ts";
import { shorten, toOneLine } from "#lib/quote-value.ts";
import { parseSubnet } from "#lib/subnet.ts";
import type { FieldError } from "#api/problem.ts";
import { AddressRange } from "./dhcp/address-range.ts";
import { dhcpModes, InterfaceName } from "./dhcp/dhcp-options.ts";
import { isDnsName } from "./pki/alternative-names.ts";
import { checkEc2Options, ec2Options, ec2Variables } from "./providers/ec2/ec2-options.ts";
import { checkExternalOptions, externalOptions, externalVariables } from "./providers/external/external-options.ts";
import { serverAddress } from "./providers/nspawn/segment.ts";
import { parseRedisUrl, type RedisTarget, RedisUrlError } from "./store/redis/redis-url.ts";

const wholeNumber = (expected: string, minimum: number, maximum: number) =>
  z.coerce.number(expected).pipe(z.int(expected).min(minimum).max(maximum));
const port = wholeNumber("a port from 1 to 65535", 1, 65_535);
const directory = z.string("an absolute path of at most 200 characters").startsWith("/").max(200);
const hostName = z
  .string("a host name or an IPv4 address")
  .max(253)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?\.?$/, { abort: true })
  .transform(toHostName)
  .refine(isCertifiable, "a host name, whose last label must not be a number, or an IPv4 address");

/**
 * The store of clusters: null for the file in the data directory. Messages never quote it: it may hold a password.
 */
const StoreTarget = z.string().transform((text, context): RedisTarget | null => {
  if (text === "sqlite") return null;
  try {
    return parseRedisUrl(text);
  } catch (error) {
    if (!(error instanceof RedisUrlError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** `ADDRESS:PORT`, or a port on every address. */
const ListenAddress = z
  .string("ADDRESS:PORT such as 192.0.2.1:80")
  .regex(/^(?:[\d.]+:)?\d+$/)
  .transform((text): { address: string; port: unknown } => {
    const [number, address = "0.0.0.0"] = text.split(":").toReversed();
    return { address, port: number };
  })
  .pipe(z.object({ address: z.ipv4("an IPv4 address before the port"), port }));

/** A domain such as `sprout.internal`; short, because node names may have 52 characters in all. */
const BaseDomain = z
  .string("a lower-case domain of at most 40 characters")
  .max(40)
  .refine((text) => text.split(".").every((label) => DnsLabel.safeParse(label).success), { abort: true })
  .refine(isDnsName, "a domain such as sprout.internal; the last label must not be a number");

const Fields = z.strictObject({
  dataDir: directory.default("/var/lib/sprout"),
  cacheDir: directory.default("/var/cache/sprout"),
  listenAddress: Address.default("0.0.0.0"),
  port: port.default(8443),
  /** Plain HTTP for firmware and cloud-init; null for none. */
  httpListen: ListenAddress.nullable().default(null),
  /** Runs a DHCP server for machines that boot over the network; null for none. */
  dhcp: z.enum(dhcpModes).nullable().default(null),
  dhcpInterface: InterfaceName.nullable().default(null),
  dhcpRange: AddressRange.nullable().default(null),
  dhcpRouter: Address.nullable().default(null),
  dhcpNameServer: Address.nullable().default(null),
  /** Folder of Debian's package ipxe: undionly.kpxe and snponly.efi, for firmware without iPXE. */
  ipxeDir: directory.default("/usr/lib/ipxe"),
  baseDomain: BaseDomain.default("sprout.internal"),
  nspawnSubnet: Cidr.regex(/\.0\.0\/16$/, "a /16 such as 10.77.0.0/16")
    .transform(parseSubnet)
    .prefault("10.77.0.0/16"),
  /** Further names and addresses for which the server's certificate is valid. */
  serverNames: z
    .preprocess((value) => (typeof value === "string" ? value.split(",") : value), z.array(hostName).max(32))
    .default([]),
  /** How long a deleted cluster, its timeline and its Idempotency-Key stay readable. */
  deletedRetentionSeconds: wholeNumber("60 to 31536000 seconds", 60, 31_536_000).default(86_400),
  /** Open connections of one client address, and requests held for it; half as many on plain HTTP. */
  connectionsPerAddress: wholeNumber("16 to 20000 connections", 16, 20_000).default(2048),
  /** Requests a second from one client address; a minute's worth may come at once. */
  requestsPerAddress: wholeNumber("10 to 100000 requests a second", 10, 100_000).default(200),
  /** How long a server that stops still answers, and says at `/readyz` that it stops. */
  drainSeconds: wholeNumber("0 to 300 seconds", 0, 300).default(0),
  /** Number of entries that the audit log keeps; the oldest are dropped. */
  auditEntries: wholeNumber("1000 to 10000000 entries", 1000, 10_000_000).default(100_000),
  store: StoreTarget.default(null),
  ...ec2Options,
  ...externalOptions,
  logLevel: z.enum(["info", "warn", "error"]).default("info"),
});
const Settings = Fields.superRefine((settings, context) => {
  for (const setting of ["ec2ServerUrl", "externalServerUrl"] as const) {
    const url = settings[setting];
    if (url === null || isCertifiable(new URL(url).hostname)) continue;
    const message = "a URL whose host is an IPv4 address, or a name that a certificate can have";
    context.addIssue({ code: "custom", path: [setting], message });
  }
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
  connectionsPerAddress: "SPROUT_CONNECTIONS_PER_ADDRESS",
  requestsPerAddress: "SPROUT_REQUESTS_PER_ADDRESS",
  drainSeconds: "SPROUT_DRAIN_SECONDS",
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
  /** Audit entries that the store dropped, as JSON lines. */
  droppedAuditFile: string;
  /** The server's address on the nspawn network, which machines use. */
  nspawnServerAddress: string;
}

export type Config = Readonly<z.infer<typeof Settings> & Derived>;
export type ConfigFlags = { [K in keyof typeof variables]?: unknown };

/** Invalid settings; the message names each by its flag and variable. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Flags win over the environment, which wins over defaults. Throws ConfigError with every invalid setting at once. */
export function loadConfig(flags: ConfigFlags = {}, environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.entries(variables).flatMap(([setting, variable]) => {
    const value = flags[setting as keyof ConfigFlags] ?? environment[variable];
    return value === undefined ? [] : [[setting, value] as const];
  });
  const unknown = Object.keys(flags).filter((flag) => !Object.hasOwn(variables, flag));
  const { data: settings, errors = [] } = parseFields(Settings, Object.fromEntries(given), { mayQuote });
  const problems = [
    ...unknownProblems(unknown),
    ...controlCharacterErrors(given).map(toProblem),
    ...errors.map(toProblem),
  ];
  if (settings === undefined || problems.length > 0)
    throw new ConfigError(`Cannot use configuration: ${problems.join("; ")}`);
  return Object.freeze({
    ...settings,
    hostName: toHostName(hostname()),
    databaseFile: join(settings.dataDir, "sprout.db"),
    tokenFile: join(settings.dataDir, "token"),
    droppedAuditFile: join(settings.dataDir, "audit-dropped.jsonl"),
    nspawnServerAddress: serverAddress(settings.nspawnSubnet),
  });
}

/** Whether the server's certificate can have this host. */
function isCertifiable(host: string): boolean {
  return isIPv4(host) || isDnsName(host);
}

const toFlag = (setting: string) => `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const unknownProblems = (names: string[]) => names.map((name) => `${toOneLine(shorten(name, 40))} is not a setting`);

/** A line feed would become a line of its own in dnsmasq's configuration. */
const controlCharacterErrors = (given: readonly (readonly [setting: string, value: unknown])[]): FieldError[] =>
  given
    .filter(([, value]) => [value].flat().some((text) => typeof text === "string" && /\p{Cc}/u.test(text)))
    .map(([setting]) => ({ pointer: `/${setting}`, detail: "Expected text without control characters" }));

/** A store's URL may hold a password. */
const mayQuote = (path: readonly PropertyKey[]) => path[0] !== "store";

function toProblem({ pointer, detail }: FieldError): string {
  const setting = pointer.split("/")[1] as keyof typeof variables;
  return `${toFlag(setting)} (${variables[setting]}): ${detail}`;
}
