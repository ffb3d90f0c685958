import type { NodeContext } from "./node-context.ts";

export interface PacketFilterRule {
  table: "filter" | "nat" | "raw" | "mangle";
  rule: [chain: string, ...match: string[]];
  /** Position in the chain; `first` by default. */
  place?: "first" | "last";
}

/** Adds the rule if it is missing. `-w` waits for the lock, which kube-proxy holds now and then. */
export async function ensureRule(
  { exec }: Pick<NodeContext, "exec">,
  { table, rule, place = "first" }: PacketFilterRule,
  signal: AbortSignal,
): Promise<void> {
  const iptables = (operation: string) => exec(["iptables", "-w", "5", "-t", table, operation, ...rule], signal);
  await iptables("-C").catch(() => iptables(place === "first" ? "-I" : "-A"));
}
