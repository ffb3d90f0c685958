import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "./problem.ts";

/**
 * A seed names the server by the host that the machine used, so it must be one that the certificate has. It also keeps
 * out a web page that lets its own name point here.
 */
export function refuseOtherHosts(hosts: readonly string[]): MiddlewareHandler {
  const known = new Set(hosts);
  return async (c, next) => {
    if (!known.has(new URL(c.req.url).hostname))
      throw new HttpProblem("misdirected", "This server is not known by the host of the URL; see --server-names");
    await next();
  };
}
