import { lookup } from "node:dns/promises";
import type { Session } from "../session.ts";

type Rule = [chain: string, ...match: string[]];

/**
 * Routes to the peers' pods are the route agent's; pods leave the cluster under the node's address, and none of them
 * reaches the metadata server.
 */
export async function setUpNetwork(session: Session, signal: AbortSignal): Promise<void> {
  const { self, network } = session.metadata;
  const { hostname, port } = session.serverUrl;
  const server = await lookup(hostname, { family: 4 });
  await ensureRule(
    session,
    { table: "nat", rule: ["POSTROUTING", "-s", self.podCidr, "!", "-d", network.podSubnet, "-j", "MASQUERADE"] },
    signal,
  );
  const toServer = ["-s", self.podCidr, "-d", server.address, "-p", "tcp", "--dport", port || "443"];
  await ensureRule(session, { table: "filter", rule: ["FORWARD", ...toServer, "-j", "DROP"] }, signal);
  await session.exec(["systemctl", "start", "--no-block", "sprout-route-agent.service"], signal);
}

/** Inserted where it is not there yet. `-w`: kube-proxy holds the lock now and then. */
async function ensureRule(session: Session, { table, rule }: { table: string; rule: Rule }, signal: AbortSignal) {
  const iptables = (operation: string) =>
    session.exec(["iptables", "-w", "5", "-t", table, operation, ...rule], signal);
  await iptables("-C").catch(() => iptables("-I"));
}
