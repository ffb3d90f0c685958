import type { Session } from "../session.ts";

export interface PacketFilterRule {
  table: "filter" | "nat" | "raw" | "mangle";
  rule: [chain: string, ...match: string[]];
  /** Among the chain's others; `first` by default. */
  place?: "first" | "last";
}

/** Added where it is not there yet. `-w`: kube-proxy holds the lock now and then. */
export async function ensureRule(
  { exec }: Pick<Session, "exec">,
  { table, rule, place = "first" }: PacketFilterRule,
  signal: AbortSignal,
): Promise<void> {
  const iptables = (operation: string) => exec(["iptables", "-w", "5", "-t", table, operation, ...rule], signal);
  await iptables("-C").catch(() => iptables(place === "first" ? "-I" : "-A"));
}
