import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { RedisOptions } from "ioredis";
import { toHostName } from "#lib/host-name.ts";
import { toOneLine } from "#lib/quote-value.ts";

type SentinelOption = "sentinels" | "name" | "sentinelPassword" | "sentinelTLS" | "enableTLSForSentinelMode";

/** A Redis as `--store` describes it. */
export interface RedisTarget {
  /** Its name in messages, without credentials. */
  name: string;
  connection: Pick<RedisOptions, "host" | "port" | "path" | "db" | "username" | "password" | "tls" | SentinelOption>;
  /** Start of every key, so that several Sprouts can share a database. */
  prefix: string;
  /** Replicas that must have a commit before it is acknowledged; undefined: as the server's settings ask. */
  replicas: number | undefined;
  /** `relaxed`: a crash of Redis may lose the last acknowledged commits. */
  durability: "strict" | "relaxed";
}

/** What a URL should have been. It repeats nothing of the text, which may hold a password, but the name of a file. */
export class RedisUrlError extends Error {
  override name = "RedisUrlError";
}

const parameters = ["prefix", "replicas", "durability", "ca"];

/**
 * Parses `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) or `unix:///path/of/socket`, with the
 * parameters `prefix` (sprout), `replicas`, `durability=relaxed` and `ca` (PEM file; with TLS). With Sentinel:
 * `redis+sentinel://[user:password@]host[:port],…/NAME[/database]` and the parameter `sentinel-password` too. Throws
 * RedisUrlError.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const sentinels = sentinelForm.exec(text)?.groups;
  if (sentinels !== undefined) return parseSentinels(sentinels);
  const url = parseUrl(text, parameters);
  const isSocket = url.protocol === "unix:";
  const database = isSocket ? 0 : parseDatabase(url.pathname);
  const host = toHost(url.hostname);
  const place = isSocket ? { path: parseSocket(url) } : { host, port: parsePort(url.port) };
  return {
    name: `${url.protocol}//${place.path ?? `${url.hostname}:${place.port}/${database}`}`,
    connection: {
      ...place,
      db: database,
      ...readCredentials(url),
      ...(url.protocol === "rediss:" && {
        tls: { ...toServerName(host), ...readAuthority(url) },
      }),
    },
    ...readParameters(url),
  };
}

/** A list of hosts fits into no URL, so that each becomes one. */
const sentinelForm =
  /^(?<scheme>rediss?)\+sentinel:\/\/(?<user>[^@/?#]*@)?(?<hosts>[^/?#@]+)\/(?<name>[\w.-]{1,64})(?<rest>(?:\/\d{0,5})?(?:\?[^#]*)?)$/;
const mostSentinels = 16;

function parseSentinels(groups: Record<string, string>): RedisTarget {
  const { scheme = "", user = "", hosts = "", name = "", rest = "" } = groups;
  const urls = hosts.split(",").map((host) => parseUrl(`${scheme}://${user}${host}${rest}`, sentinelParameters));
  const [url] = urls;
  if (url === undefined || urls.length > mostSentinels)
    throw new RedisUrlError(`1 to ${mostSentinels} sentinels before the slash`);
  const database = parseDatabase(url.pathname);
  const sentinelPassword = url.searchParams.get("sentinel-password");
  // The master's certificate must be valid for the address that the sentinels report.
  const tls = scheme === "rediss" && { ...readAuthority(url) };
  return {
    name: `${scheme}+sentinel://${hosts}/${name}/${database}`,
    connection: {
      sentinels: urls.map(({ hostname, port }) => ({ host: toHost(hostname), port: parsePort(port, 26_379) })),
      name,
      db: database,
      ...readCredentials(url),
      ...(sentinelPassword !== null && { sentinelPassword }),
      ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    },
    ...readParameters(url),
  };
}

const sentinelParameters = [...parameters, "sentinel-password"];

function parseUrl(text: string, known: readonly string[]): URL {
  const url = URL.parse(text);
  // Without the slashes, `redis:6379` would be database 379 of this host.
  if (url === null || !/^(?:redis|rediss|unix):\/\//.test(url.href))
    throw new RedisUrlError(
      "sqlite, or a URL: redis://HOST[:PORT][/DATABASE], rediss://…, unix:///SOCKET or redis+sentinel://HOST[:PORT],…/NAME",
    );
  const unknown = [...url.searchParams.keys()].filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new RedisUrlError(`no parameters but ${known.join(", ")}`);
  return url;
}

const readCredentials = ({ username, password }: URL) => ({
  ...(username !== "" && { username: decode(username) }),
  ...(password !== "" && { password: decode(password) }),
});

const readParameters = ({ searchParams }: URL) => ({
  prefix: parsePrefix(searchParams.get("prefix") ?? "sprout"),
  replicas: parseReplicas(searchParams.get("replicas")),
  durability: parseDurability(searchParams.get("durability") ?? "strict"),
});

/** An IPv6 address has brackets only in a URL. Names in such a URL are not decoded. */
function toHost(name: string): string {
  if (name.includes("%"))
    throw new RedisUrlError("a host name or address without percent signs; unix:///SOCKET is a socket");
  return name.replace(/^\[(.*)\]$/, "$1") || "localhost";
}

function parsePort(text: string, usual = 6379): number {
  if (text === "0") throw new RedisUrlError("a port from 1 to 65535");
  return Number(text || usual);
}

/** ioredis takes an empty path for its default host. */
function parseSocket({ hostname, pathname }: URL): string {
  const path = decode(pathname);
  if (!["", "localhost"].includes(hostname) || !/^\/[^\p{Cc}]+$/u.test(path))
    throw new RedisUrlError("an absolute path of a socket, such as unix:///run/redis.sock");
  return path;
}

/** None for an address, however it is spelled; a name has no dot at its end there (RFC 6066, 3). */
function toServerName(host: string): { servername?: string } {
  const isAddress = isIP(host) !== 0 || isIP(URL.parse(`https://${host}`)?.hostname ?? "") !== 0;
  return isAddress ? {} : { servername: toHostName(host) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisUrlError("a percent sign as %25, and two hexadecimal digits after each other one");
  }
}

function parseDatabase(path: string): number {
  if (!/^\/?\d{0,5}$/.test(path)) throw new RedisUrlError("the number of a database as the URL's path");
  return Number(path.slice(1));
}

function parsePrefix(text: string): string {
  if (!/^[A-Za-z0-9._{}-]{1,64}$/.test(text))
    throw new RedisUrlError("a prefix of 1 to 64 letters, digits, dots, dashes, underscores or braces");
  return `${text}:`;
}

function parseReplicas(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (!/^\d$/.test(text)) throw new RedisUrlError("0 to 9 replicas");
  return Number(text);
}

function parseDurability(text: string): RedisTarget["durability"] {
  if (text !== "strict" && text !== "relaxed") throw new RedisUrlError("durability strict or relaxed");
  return text;
}

function readAuthority({ searchParams }: URL): { ca?: Buffer } {
  const file = searchParams.get("ca");
  if (file === null) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (cause) {
    throw new RedisUrlError(`a ca file that can be read (${toOneLine((cause as Error).message)})`, { cause });
  }
}
