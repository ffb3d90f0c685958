import { readFileSync } from "node:fs";
import type { RedisOptions } from "ioredis";

/** What `--store` says of a Redis. */
export interface RedisTarget {
  /** How messages name it: without credentials. */
  name: string;
  connection: Pick<RedisOptions, "host" | "port" | "path" | "db" | "username" | "password" | "tls">;
  /** Of every key, so that several Sprouts can share a database. */
  prefix: string;
  /** Replicas that must have a commit before it is acknowledged; by default what the server's settings ask for. */
  replicas: number | undefined;
  /** `relaxed`: a crash of Redis may lose the last acknowledged commits. */
  durability: "strict" | "relaxed";
}

const parameters = ["prefix", "replicas", "durability", "ca"];

/**
 * `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) or `unix:///path/of/socket`, with the parameters
 * `prefix` (sprout), `replicas`, `durability=relaxed` and `ca` (PEM file; with TLS). Throws an Error that does not repeat
 * the text, because it may hold a password.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const url = URL.parse(text);
  if (url === null || !["redis:", "rediss:", "unix:"].includes(url.protocol))
    throw new Error("must be sqlite, or a URL: redis://HOST[:PORT][/DATABASE], rediss://… or unix:///SOCKET");
  const unknown = [...url.searchParams.keys()].filter((name) => !parameters.includes(name));
  if (unknown.length > 0)
    throw new Error(`has unknown parameters: ${unknown.join(", ")}; known: ${parameters.join(", ")}`);
  const isSocket = url.protocol === "unix:";
  const database = isSocket ? 0 : parseDatabase(url.pathname);
  const where = isSocket ? url.pathname : `${url.hostname}:${url.port || 6379}/${database}`;
  return {
    name: `${url.protocol}//${where}`,
    connection: {
      ...(isSocket ? { path: url.pathname } : { host: toHost(url.hostname), port: Number(url.port || 6379) }),
      db: database,
      ...(url.username !== "" && { username: decodeURIComponent(url.username) }),
      ...(url.password !== "" && { password: decodeURIComponent(url.password) }),
      ...(url.protocol === "rediss:" && { tls: readAuthority(url) }),
    },
    prefix: parsePrefix(url.searchParams.get("prefix") ?? "sprout"),
    replicas: parseReplicas(url.searchParams.get("replicas")),
    durability: parseDurability(url.searchParams.get("durability") ?? "strict"),
  };
}

/** Brackets are part of an IPv6 address in a URL alone. */
const toHost = (name: string) => name.replace(/^\[(.*)\]$/, "$1") || "localhost";

function parseDatabase(path: string): number {
  if (!/^\/?\d{0,5}$/.test(path)) throw new Error("has a path that is not the number of a database");
  return Number(path.slice(1));
}

function parsePrefix(text: string): string {
  if (!/^[A-Za-z0-9._{}-]{1,64}$/.test(text))
    throw new Error("has a prefix that is not 1 to 64 letters, digits, dots, dashes, underscores or braces");
  return `${text}:`;
}

function parseReplicas(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (!/^\d$/.test(text)) throw new Error("has a number of replicas that is not 0 to 9");
  return Number(text);
}

function parseDurability(text: string): RedisTarget["durability"] {
  if (text !== "strict" && text !== "relaxed") throw new Error("has a durability that is neither strict nor relaxed");
  return text;
}

function readAuthority({ searchParams }: URL): { ca?: Buffer } {
  const file = searchParams.get("ca");
  return file === null ? {} : { ca: readFileSync(file) };
}
