import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { KeyPair, Pem } from "#api/credentials.ts";
import { NodeName } from "#api/name.ts";
import { Address, Cidr } from "#api/network.ts";
import { parseSubnet } from "#lib/subnet.ts";
import { type ConsoleLine, consoleLine } from "../console-line.ts";
import { exec } from "../machine/exec.ts";
import { below } from "../machine/files.ts";
import { createKubernetesApi } from "../kubernetes/api-client.ts";
import type { KubernetesNode } from "../kubernetes/node.ts";
import { watchNodes } from "../kubernetes/watch-nodes.ts";
import { parseJson } from "../parse.ts";
import { createRedactor } from "../redact.ts";
import { networkAgentConfig } from "../render/network.ts";
import { createNodeRender } from "../templates.ts";
import { createBackEnds } from "./back-ends.ts";
import { createRoutes } from "./keep-routes.ts";

const NetworkAgentConfig = z.strictObject({
  /** Tried in turn. */
  servers: z.array(z.url({ protocol: /^https$/ })).min(1),
  self: NodeName,
  /** With network `routes`: it keeps routes to the peers' pods. */
  podSubnet: Cidr.transform(parseSubnet).optional(),
  /** On a node with a load balancer: it keeps the API servers in its configuration. */
  loadBalancer: z
    .strictObject({
      endpoint: z.string(),
      controlPlanes: z.array(z.strictObject({ name: NodeName, address: Address })),
      shared: z
        .strictObject({ virtualAddress: Address, name: NodeName, address: Address, networkCard: z.string() })
        .optional(),
    })
    .optional(),
  ca: Pem,
  client: KeyPair.optional(),
  /** Certificate and key in one file, below the root; read again for each connection. */
  clientFile: z.string().optional(),
});

const retryDelayMs = 500;

interface NetworkAgentOptions {
  root: string;
  /** Folder of the operator's templates, below the root. */
  templatesOverlay?: string | undefined;
  write: (line: string) => void;
  signal: AbortSignal;
}

/** Keeps what follows from the cluster's Nodes for as long as it runs: routes, and the load balancer's API servers. */
export async function runNetworkAgent({ root, templatesOverlay, write, signal }: NetworkAgentOptions): Promise<void> {
  const path = below(root, networkAgentConfig);
  const config = parseJson(NetworkAgentConfig, await readFile(path, "utf8"), `network agent configuration ${path}`);
  const redact = createRedactor();
  const log = (level: ConsoleLine["level"], message: string, fields: object) =>
    write(consoleLine({ level, message, ...fields }));
  const run = (...command: [string, ...string[]]) => exec(command, { signal, redact });
  const { self, podSubnet, loadBalancer } = config;
  const keepers: ((nodes: ReadonlyMap<string, KubernetesNode>) => Promise<void>)[] = [
    ...(podSubnet === undefined ? [] : [createRoutes({ self, podSubnet, run, log })]),
    ...(loadBalancer === undefined
      ? []
      : [createBackEnds({ loadBalancer, root, render: createNodeRender(root, templatesOverlay), run, log })]),
  ];

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
    }))
      for (const keep of keepers) await keep(nodes);
    await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readClient(file: string): Promise<KeyPair> {
  const pem = await readFile(file, "utf8");
  return { certificate: pem, key: pem };
}
