import { isDeepStrictEqual } from "node:util";
import type { Subnet } from "#lib/subnet.ts";
import type { ConsoleLine } from "../console-line.ts";
import type { KubernetesNode } from "../kubernetes/node.ts";
import { diffRoutes, parseIpRoutes, type RefusedRoute, routeProtocol, toRoutes } from "./routes.ts";

interface RoutesOptions {
  self: string;
  podSubnet: Subnet;
  run: (...command: [string, ...string[]]) => Promise<string>;
  log: (level: ConsoleLine["level"], message: string, fields: object) => void;
}

/** Returns what brings the routes to the peers' pods up to date. It touches no other program's routes. */
export function createRoutes({ self, podSubnet, run, log }: RoutesOptions) {
  let warned: RefusedRoute[] = [];

  return async (nodes: ReadonlyMap<string, KubernetesNode>): Promise<void> => {
    const { routes, refused } = toRoutes(nodes.values(), { self, podSubnet });
    for (const refusal of refused)
      if (!warned.some((known) => isDeepStrictEqual(known, refusal)))
        log("warn", "Cannot route to a node's pods: its spec.podCIDR is not its own", refusal);
    warned = refused;
    const current = parseIpRoutes(await run("ip", "-json", "route", "show", "proto", routeProtocol));
    let failure: unknown;
    for (const { operation, cidr, via } of diffRoutes(current, routes)) {
      try {
        await run("ip", "route", operation, cidr, "via", via, "proto", routeProtocol);
        log("info", "route", { operation, cidr, via });
      } catch (error) {
        failure ??= error;
      }
    }
    // After all the others: a peer that reports an address out of reach must not cost them theirs.
    if (failure !== undefined) throw failure;
  };
}
