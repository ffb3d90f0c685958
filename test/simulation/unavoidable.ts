import type { Cluster } from "#api/cluster.ts";
import type { Fault } from "./faults.ts";

/**
 * Returns the reason of a cluster that had to fail, because a machine was lost or its clock is wrong, and that names
 * this machine. Undefined for any other cluster: Sprout should have brought it up, or does not say what is wrong.
 */
export function unavoidableFailure({ state, failure, members }: Cluster, struck: readonly Fault[]): string | undefined {
  const message = failure?.message ?? "";
  for (const { kind, node } of struck) {
    const member = members[node];
    if (state !== "failed" || member === undefined || !message.includes(member.name)) continue;
    if (kind === "lose-machine") return message;
    const own = `${message} ${member.failure?.error ?? ""}`;
    const clock = /clock: \d+ s (?:behind|ahead of) the metadata server/.exec(own)?.[0];
    if (kind === "move-clock" && clock !== undefined) return message.includes(clock) ? message : `${message}; ${clock}`;
  }
  return undefined;
}
