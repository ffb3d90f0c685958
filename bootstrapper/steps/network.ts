import { lookup } from "node:dns/promises";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { NodeContext } from "./node-context.ts";
import { ensureRule } from "./packet-filter.ts";

/**
 * Keeps pods from the metadata server, or from the service with the user-data. With `routes`, pods leave the cluster
 * under the node's address, and the network agent keeps the routes to the peers' pods. With a manifest, both are the
 * manifest's task.
 */
export async function setUpNetwork(
  context: Pick<NodeContext, "metadata" | "exec">,
  sourceUrl: URL | undefined,
  signal: AbortSignal,
  lookUp = lookUpAll,
): Promise<void> {
  const { self, network } = context.metadata;
  const drops = sourceUrl === undefined ? [] : await toDrops(sourceUrl, context.metadata, lookUp);
  if (network.plugin === "manifest") {
    for (const drop of drops) {
      // This node's pod CIDR is unknown, and a plugin's own rules may precede all others in `filter`.
      const dropped = ["-s", network.podSubnet, ...drop];
      await ensureRule(context, { table: "raw", rule: ["PREROUTING", ...dropped] }, signal);
      // Through a Service, it becomes the server's address only after kube-proxy's translation.
      await ensureRule(context, { table: "mangle", rule: ["FORWARD", ...dropped] }, signal);
    }
    if (context.metadata.controlPlanes.length > 1 || context.metadata.virtualAddress !== undefined)
      await startNetworkAgent(context, signal);
    return;
  }
  const leaving = ["-s", self.podCidr, "!", "-d", network.podSubnet, "-j", "MASQUERADE"];
  await ensureRule(context, { table: "nat", rule: ["POSTROUTING", ...leaving] }, signal);
  for (const drop of drops)
    await ensureRule(context, { table: "filter", rule: ["FORWARD", "-s", self.podCidr, ...drop] }, signal);
  await startNetworkAgent(context, signal);
}

/** systemd skips it where no configuration was rendered: it has no task there. */
const startNetworkAgent = ({ exec }: Pick<NodeContext, "exec">, signal: AbortSignal) =>
  exec(["systemctl", "start", "--no-block", "sprout-network-agent.service"], signal);

const lookUpAll = async (name: string) => (await lookup(name, { family: 4, all: true })).map(({ address }) => address);

/** Returns a rule for each listener of the source, at every address of its name. */
async function toDrops(url: URL, metadata: NodeMetadata, lookUp: typeof lookUpAll): Promise<string[][]> {
  const { listeners = [], plainHttpPort } = metadata;
  const ownPort = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const ports = plainHttpPort === undefined ? [ownPort] : [ownPort, plainHttpPort];
  // The name may lead to an address that the server does not know, behind a translator for example.
  const named = (await lookUp(url.hostname)).flatMap((address) => ports.map((port) => ({ address, port })));
  const blocked = new Map([...named, ...listeners].map((listener) => [JSON.stringify(listener), listener]));
  return Array.from(blocked.values(), ({ address, port }) => [
    "-d",
    address,
    "-p",
    "tcp",
    "--dport",
    String(port),
    "-j",
    "DROP",
  ]);
}
