import type { ClusterState } from "./cluster.ts";
import type { Member } from "./member.ts";

export const waitConditions = ["ready", "available", "deleted"] as const;
export type WaitCondition = (typeof waitConditions)[number];

/** What a wait depends on, in a cluster of the API and in the server's record. */
interface Waited {
  state: ClusterState;
  availableAt: string | number | null;
  members: readonly Pick<Member, "name" | "phases">[];
}

/** Whether the condition holds, or can no longer hold. */
export function isSettled(cluster: Waited, condition: WaitCondition): boolean {
  if (cluster.state === "deleted" || holds(cluster, condition)) return true;
  if (condition === "deleted") return false;
  if (cluster.state === "failed" || cluster.state === "deleting") return true;
  return condition === "available" && whyUnavailable(cluster) !== null;
}

/** Whether the condition holds. */
export function holds({ state, availableAt }: Omit<Waited, "members">, condition: WaitCondition): boolean {
  if (condition === "deleted") return state === "deleted";
  return state === "ready" && (condition === "ready" || availableAt !== null);
}

/** Why the proof of `available` failed, as its node reported; it is tried once. Null if it did not fail. */
export function whyUnavailable({ members }: Pick<Waited, "members">): string | null {
  for (const { name, phases } of members)
    for (const { phase, state, error } of phases)
      if (phase === "available" && state === "failed") return `${name}: ${error ?? "no reason given"}`;
  return null;
}
