import type { Cluster } from "#api/cluster.ts";
import type { Fault } from "./faults.ts";

/** What a cluster says of a fault that no software can mend. A lost machine says nothing. */
const signs: Partial<Record<Fault["kind"], RegExp>> = {
  "lose-machine": /^/,
  "move-clock": /clock: \d+ s (?:behind|ahead of) the metadata server/,
  "fill-disk": /no space left on device/,
};

/**
 * Returns the reason of a cluster that had to fail, because a machine was lost, its clock is wrong or its disk is full,
 * and that names this machine and what it lacks. Undefined for any other cluster: Sprout should have brought it up, or
 * does not say what is wrong.
 */
export function unavoidableFailure({ state, failure, members }: Cluster, struck: readonly Fault[]): string | undefined {
  const message = failure?.message ?? "";
  for (const { kind, node } of struck) {
    const member = members[node];
    if (state !== "failed" || member === undefined || !message.includes(member.name)) continue;
    const sign = signs[kind]?.exec(`${message} ${member.failure?.error ?? ""}`)?.[0];
    if (sign !== undefined) return message.includes(sign) ? message : `${message}; ${sign}`;
  }
  return undefined;
}
