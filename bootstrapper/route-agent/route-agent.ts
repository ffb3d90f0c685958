import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { KeyPair, Pem } from "#api/credentials.ts";
import { NodeName } from "#api/name.ts";
import { Cidr } from "#api/network.ts";
import { exec } from "../exec.ts";
import { below } from "../files.ts";
import { createKubernetesApi } from "../kubernetes/api-client.ts";
import { watchNodes } from "../kubernetes/watch-nodes.ts";
import { parseJson } from "../parse.ts";
import { createRedactor } from "../redact.ts";
import { routeAgentConfig } from "../render/network.ts";
import { diffRoutes, parseIpRoutes, routeProtocol, toRoutes } from "./routes.ts";

const RouteAgentConfig = z.strictObject({
  /** Tried in turn. */
  servers: z.array(z.url({ protocol: /^https$/ })).min(1),
  self: NodeName,
  podSubnet: Cidr,
  ca: Pem,
  client: KeyPair.optional(),
  /** Certificate and key in one file, below the root; read anew for each connection. */
  clientFile: z.string().optional(),
});

const retryDelayMs = 500;

export interface RouteAgentOptions {
  root: string;
  write: (line: string) => void;
  signal: AbortSignal;
}

/** Keeps a route to every peer's pods for as long as it runs; nobody else's routes are touched. */
export async function runRouteAgent({ root, write, signal }: RouteAgentOptions): Promise<void> {
  const path = below(root, routeAgentConfig);
  const config = parseJson(RouteAgentConfig, await readFile(path, "utf8"), `route agent configuration ${path}`);
  const redact = createRedactor();
  const log = (message: string, fields: object = {}) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), message, ...fields })}\n`);
  const ip = (...args: string[]) => exec(["ip", ...args], { signal, redact });

  for (let server = 0; !signal.aborted; server++) {
    const url = config.servers[server % config.servers.length] ?? "";
    const client = config.client ?? (await readClient(below(root, config.clientFile ?? "")));
    const api = createKubernetesApi({ url, ca: config.ca, client });
    const lost = new AbortController();
    const onError = (error: Error) => {
      log("watch lost", { server: url, error: redact(error.message) });
      lost.abort();
    };
    for await (const nodes of watchNodes(api, {
      signal: AbortSignal.any([signal, lost.signal]),
      retryDelayMs,
      onError,
    })) {
      const current = parseIpRoutes(await ip("-json", "route", "show", "proto", routeProtocol));
      for (const { operation, cidr, via } of diffRoutes(current, toRoutes(nodes.values(), config))) {
        await ip("route", operation, cidr, "via", via, "proto", routeProtocol);
        log("route", { operation, cidr, via });
      }
    }
    api.close();
    await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readClient(file: string): Promise<KeyPair> {
  const pem = await readFile(file, "utf8");
  return { certificate: pem, key: pem };
}
