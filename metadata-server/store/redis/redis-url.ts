import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { RedisOptions } from "ioredis";
import { toHostName } from "#lib/host-name.ts";

/** A Redis as `--store` describes it. */
export interface RedisTarget {
  /** Its name in messages, without credentials. */
  name: string;
  connection: Pick<RedisOptions, "host" | "port" | "path" | "db" | "username" | "password" | "tls">;
  /** Start of every key, so that several Sprouts can share a database. */
  prefix: string;
  /** Replicas that must have a commit before it is acknowledged; undefined: as the server's settings ask. */
  replicas: number | undefined;
  /** `relaxed`: a crash of Redis may lose the last acknowledged commits. */
  durability: "strict" | "relaxed";
}

const parameters = ["prefix", "replicas", "durability", "ca"];

/**
 * Parses `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) or `unix:///path/of/socket`, with the
 * parameters `prefix` (sprout), `replicas`, `durability=relaxed` and `ca` (PEM file; with TLS). The message of its
 * Error says what is expected and does not repeat the text, which may hold a password.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const url = URL.parse(text);
  if (url === null || !["redis:", "rediss:", "unix:"].includes(url.protocol))
    throw new Error("sqlite, or a URL: redis://HOST[:PORT][/DATABASE], rediss://… or unix:///SOCKET");
  const unknown = [...url.searchParams.keys()].filter((name) => !parameters.includes(name));
  if (unknown.length > 0) throw new Error(`no parameters but ${parameters.join(", ")}`);
  const isSocket = url.protocol === "unix:";
  const database = isSocket ? 0 : parseDatabase(url.pathname);
  const host = toHost(url.hostname);
  const where = isSocket ? decode(url.pathname) : `${url.hostname}:${url.port || 6379}/${database}`;
  return {
    name: `${url.protocol}//${where}`,
    connection: {
      ...(isSocket ? { path: decode(url.pathname) } : { host, port: Number(url.port || 6379) }),
      db: database,
      ...(url.username !== "" && { username: decode(url.username) }),
      ...(url.password !== "" && { password: decode(url.password) }),
      ...(url.protocol === "rediss:" && {
        tls: { ...toServerName(host), ...readAuthority(url) },
      }),
    },
    prefix: parsePrefix(url.searchParams.get("prefix") ?? "sprout"),
    replicas: parseReplicas(url.searchParams.get("replicas")),
    durability: parseDurability(url.searchParams.get("durability") ?? "strict"),
  };
}

/** An IPv6 address has brackets only in a URL. */
const toHost = (name: string) => name.replace(/^\[(.*)\]$/, "$1") || "localhost";

/** None for an address, however it is spelled; a name has no dot at its end there (RFC 6066, 3). */
function toServerName(host: string): { servername?: string } {
  const isAddress = isIP(host) !== 0 || isIP(URL.parse(`https://${host}`)?.hostname ?? "") !== 0;
  return isAddress ? {} : { servername: toHostName(host) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("a percent sign as %25, and two hexadecimal digits after each other one");
  }
}

function parseDatabase(path: string): number {
  if (!/^\/?\d{0,5}$/.test(path)) throw new Error("the number of a database as the URL's path");
  return Number(path.slice(1));
}

function parsePrefix(text: string): string {
  if (!/^[A-Za-z0-9._{}-]{1,64}$/.test(text))
    throw new Error("a prefix of 1 to 64 letters, digits, dots, dashes, underscores or braces");
  return `${text}:`;
}

function parseReplicas(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (!/^\d$/.test(text)) throw new Error("0 to 9 replicas");
  return Number(text);
}

function parseDurability(text: string): RedisTarget["durability"] {
  if (text !== "strict" && text !== "relaxed") throw new Error("durability strict or relaxed");
  return text;
}

function readAuthority({ searchParams }: URL): { ca?: Buffer } {
  const file = searchParams.get("ca");
  if (file === null) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (cause) {
    throw new Error(`a ca file that can be read (${(cause as Error).message})`, { cause });
  }
}
