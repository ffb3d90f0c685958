import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { toHostName } from "#lib/host-name.ts";
import { DomainError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";

/** By which the client reached this server, and will reach it again. The host has no dot at its end. */
export function requestUrlOf(c: Context): URL {
  const url = new URL(c.req.url);
  url.hostname = toHostName(url.hostname);
  return url;
}

/**
 * Refuses a host that the server's certificate lacks: a seed names the server by the host that the machine used. It
 * also keeps out a web page whose own name resolves to this server (DNS rebinding).
 */
export function refuseOtherHosts(hosts: readonly string[]): MiddlewareHandler {
  const known = new Set(hosts.map(toHostName));
  return async (c, next) => {
    if (!known.has(requestUrlOf(c).hostname)) throw misdirected();
    await next();
  };
}

/** Refuses a Host header that fits into no URL, such as `node.42`: nothing else could read the request's URL. */
export const refuseUnusableHost: MiddlewareHandler = async (c, next) => {
  if (!URL.canParse(c.req.url)) throw misdirected();
  await next();
};

/** Two hosts are a way to fool a proxy (RFC 9112, 3.2). Node's own headers have the first one alone. */
export const refuseTwoHosts: MiddlewareHandler = async (c, next) => {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>;
  const names = incoming?.rawHeaders?.filter((_, index) => index % 2 === 0) ?? [];
  if (names.filter((name) => name.toLowerCase() === "host").length > 1)
    throw new DomainError("invalid-request", "The request has two Host headers; send one");
  await next();
};

const misdirected = () =>
  new HttpProblem("misdirected", "The URL's host is not a name of this server; see --server-names");
