import { DomainError } from "../errors.ts";
import type { MemberRecord } from "../store/records.ts";
import { toRefused } from "./admission.ts";
import { raiseAlert } from "./alerts.ts";
import { byNode } from "./audit.ts";
import type { ClusterDependencies } from "./dependencies.ts";

interface SpentUse {
  member: MemberRecord;
  from: string | null;
  /** For the timeline: what was asked with it. */
  message: string;
}

/** Raises an alert: a capability was used again after its exchange. The node itself is not disturbed. */
export const alertSpent = (deps: ClusterDependencies, { member, from, message }: SpentUse): Promise<void> =>
  raiseAlert(deps, { member, code: "already-claimed", message, freeze: false, by: byNode(member, from) });

/** Raises the alert and returns the refusal. */
export async function refuseSpent(
  deps: ClusterDependencies,
  { detail, ...use }: SpentUse & { detail: string },
): Promise<DomainError> {
  await alertSpent(deps, use);
  return new DomainError("already-claimed", detail, { refused: { ...toRefused(use.member), isRecorded: true } });
}
