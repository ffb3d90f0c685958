import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { KeyPair, Pem } from "#api/credentials.ts";
import { NodeName } from "#api/name.ts";
import { Cidr } from "#api/network.ts";
import { parseSubnet } from "#lib/subnet.ts";
import { type ConsoleLine, consoleLine } from "../console-line.ts";
import { exec } from "../machine/exec.ts";
import { below } from "../machine/files.ts";
import { createKubernetesApi } from "../kubernetes/api-client.ts";
import { watchNodes } from "../kubernetes/watch-nodes.ts";
import { parseJson } from "../parse.ts";
import { createRedactor } from "../redact.ts";
import { routeAgentConfig } from "../render/network.ts";
import { diffRoutes, parseIpRoutes, type RefusedRoute, routeProtocol, toRoutes } from "./routes.ts";

const RouteAgentConfig = z.strictObject({
  /** Tried in turn. */
  servers: z.array(z.url({ protocol: /^https$/ })).min(1),
  self: NodeName,
  podSubnet: Cidr.transform(parseSubnet),
  ca: Pem,
  client: KeyPair.optional(),
  /** Certificate and key in one file, below the root; read again for each connection. */
  clientFile: z.string().optional(),
});

const retryDelayMs = 500;

interface RouteAgentOptions {
  root: string;
  write: (line: string) => void;
  signal: AbortSignal;
}

/** Keeps a route to every peer's pods for as long as it runs. It touches no other program's routes. */
export async function runRouteAgent({ root, write, signal }: RouteAgentOptions): Promise<void> {
  const path = below(root, routeAgentConfig);
  const config = parseJson(RouteAgentConfig, await readFile(path, "utf8"), `route agent configuration ${path}`);
  const redact = createRedactor();
  const log = (level: ConsoleLine["level"], message: string, fields: object) =>
    write(consoleLine({ level, message, ...fields }));
  const ip = (...args: string[]) => exec(["ip", ...args], { signal, redact });
  let warned: RefusedRoute[] = [];

  for (let server = 0; !signal.aborted; server++) {
    const url = config.servers[server % config.servers.length] ?? "";
    const client = config.client ?? (await readClient(below(root, config.clientFile ?? "")));
    using api = createKubernetesApi({ url, ca: config.ca, client });
    const lost = new AbortController();
    const onError = (error: Error) => {
      log("warn", "Watch lost; retrying", { server: url, error: redact(error.message) });
      lost.abort();
    };
    for await (const nodes of watchNodes(api, {
      signal: AbortSignal.any([signal, lost.signal]),
      retryDelayMs,
      onError,
    })) {
      const { routes, refused } = toRoutes(nodes.values(), config);
      for (const refusal of refused)
        if (!warned.some((known) => isDeepStrictEqual(known, refusal)))
          log("warn", "Cannot route to a node's pods: its spec.podCIDR is not its own", refusal);
      warned = refused;
      const current = parseIpRoutes(await ip("-json", "route", "show", "proto", routeProtocol));
      let failure: unknown;
      for (const { operation, cidr, via } of diffRoutes(current, routes)) {
        try {
          await ip("route", operation, cidr, "via", via, "proto", routeProtocol);
          log("info", "route", { operation, cidr, via });
        } catch (error) {
          failure ??= error;
        }
      }
      // After all the others: a peer that reports an address out of reach must not cost them theirs.
      if (failure !== undefined) throw failure;
    }
    await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readClient(file: string): Promise<KeyPair> {
  const pem = await readFile(file, "utf8");
  return { certificate: pem, key: pem };
}
