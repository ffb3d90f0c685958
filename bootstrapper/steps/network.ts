import { lookup } from "node:dns/promises";
import type { Session } from "../session.ts";
import { ensureRule } from "./packet-filter.ts";

/**
 * No pod reaches the metadata server, or what gives out the user-data. With `routes`, pods leave the cluster under the node's address, and the route agent
 * keeps the routes to the peers' pods; with a manifest, both are the manifest's business.
 */
export async function setUpNetwork(session: Session, signal: AbortSignal): Promise<void> {
  const { self, network } = session.metadata;
  const drops = await toDrops(session);
  if (network.plugin === "manifest") {
    for (const drop of drops) {
      // Which pods are this node's is not known, and a plugin's own rules may come before all others in `filter`.
      const dropped = ["-s", network.podSubnet, ...drop];
      await ensureRule(session, { table: "raw", rule: ["PREROUTING", ...dropped] }, signal);
      // By way of a Service it is the server's address only after kube-proxy's translation.
      await ensureRule(session, { table: "mangle", rule: ["FORWARD", ...dropped] }, signal);
    }
    return;
  }
  const leaving = ["-s", self.podCidr, "!", "-d", network.podSubnet, "-j", "MASQUERADE"];
  await ensureRule(session, { table: "nat", rule: ["POSTROUTING", ...leaving] }, signal);
  for (const drop of drops)
    await ensureRule(session, { table: "filter", rule: ["FORWARD", "-s", self.podCidr, ...drop] }, signal);
  await session.exec(["systemctl", "start", "--no-block", "sprout-route-agent.service"], signal);
}

/** For every port of the origin, which is at one address. */
async function toDrops({ origin: { url }, metadata: { plainHttpPort } }: Session): Promise<string[][]> {
  if (url === undefined) return [];
  const { address } = await lookup(url.hostname, { family: 4 });
  const ownPort = url.port || (url.protocol === "https:" ? "443" : "80");
  const ports = [ownPort, ...(plainHttpPort === undefined ? [] : [String(plainHttpPort)])];
  return ports.map((port) => ["-d", address, "-p", "tcp", "--dport", port, "-j", "DROP"]);
}
