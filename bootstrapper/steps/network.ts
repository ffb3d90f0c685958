import { lookup } from "node:dns/promises";
import type { Session } from "../session.ts";
import { ensureRule } from "./packet-filter.ts";

/**
 * No pod reaches the metadata server, or what gives out the user-data. With `routes`, pods leave the cluster under the node's address, and the route agent
 * keeps the routes to the peers' pods; with a manifest, both are the manifest's business.
 */
export async function setUpNetwork(session: Session, signal: AbortSignal): Promise<void> {
  const { self, network } = session.metadata;
  const toServer = session.origin.url && (await dropTo(session.origin.url));
  if (network.plugin === "manifest") {
    if (toServer === undefined) return;
    // Which pods are this node's is not known, and a plugin's own rules may come before all others in `filter`.
    const dropped = ["-s", network.podSubnet, ...toServer];
    await ensureRule(session, { table: "raw", rule: ["PREROUTING", ...dropped] }, signal);
    // By way of a Service it is the server's address only after kube-proxy's translation.
    await ensureRule(session, { table: "mangle", rule: ["FORWARD", ...dropped] }, signal);
    return;
  }
  const leaving = ["-s", self.podCidr, "!", "-d", network.podSubnet, "-j", "MASQUERADE"];
  await ensureRule(session, { table: "nat", rule: ["POSTROUTING", ...leaving] }, signal);
  if (toServer !== undefined)
    await ensureRule(session, { table: "filter", rule: ["FORWARD", "-s", self.podCidr, ...toServer] }, signal);
  await session.exec(["systemctl", "start", "--no-block", "sprout-route-agent.service"], signal);
}

async function dropTo({ protocol, hostname, port }: URL): Promise<string[]> {
  const { address } = await lookup(hostname, { family: 4 });
  return ["-d", address, "-p", "tcp", "--dport", port || (protocol === "https:" ? "443" : "80"), "-j", "DROP"];
}
