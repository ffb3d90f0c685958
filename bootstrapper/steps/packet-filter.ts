import type { Session } from "../session.ts";

export interface PacketFilterRule {
  table: "filter" | "nat" | "raw" | "mangle";
  rule: [chain: string, ...match: string[]];
}

/** Inserted before all others where it is not there yet. `-w`: kube-proxy holds the lock now and then. */
export async function ensureRule(
  { exec }: Session,
  { table, rule }: PacketFilterRule,
  signal: AbortSignal,
): Promise<void> {
  const iptables = (operation: string) => exec(["iptables", "-w", "5", "-t", table, operation, ...rule], signal);
  await iptables("-C").catch(() => iptables("-I"));
}
