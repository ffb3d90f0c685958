import type { NewAuditEntry } from "#api/audit.ts";
import type { Admission, Caller } from "./admission.ts";
import { auditAllowed, byNode } from "./audit.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { acceptReportedAddress } from "./reported-address.ts";

interface Binding extends Admission {
  /** For the timeline. */
  note?: string;
}

/**
 * Returns the records with a machine's first contact, or undefined if it is not the first. `pointer` is the place of
 * its first address in the request. Throws DomainError `invalid-request` or `wrong-state` if it cannot have that one.
 */
export async function bindMachine(
  deps: ClusterDependencies,
  { cluster, member }: Admission,
  { caller, pointer, at }: { caller: Caller; pointer: string; at: number },
): Promise<Binding | undefined> {
  if (member.bound !== null) return undefined;
  // The identity document is checked with every call; it is not needed afterwards.
  const { instanceIdentity: _proof, ...bound } = caller.hardware;
  const { address } = member;
  const reported =
    address === null
      ? await acceptReportedAddress(deps, { cluster, member }, { caller, pointer })
      : { fields: { address } };
  const controlPlanes = cluster.controlPlanes.map((controlPlane) =>
    controlPlane.name === member.name ? { ...controlPlane, address: reported.fields.address } : controlPlane,
  );
  const learned = member.role === "control-plane" && reported.fields.address !== address;
  return {
    cluster: learned ? { ...cluster, controlPlanes } : cluster,
    member: { ...member, ...reported.fields, bound, state: "bootstrapping", firstContactAt: at },
    spent: false,
    ...("note" in reported && { note: reported.note }),
  };
}

/** Audit entry for the first use of a capability. */
export const auditBinding = ({ member }: Admission, { at, from }: { at: number; from: string | null }): NewAuditEntry =>
  auditAllowed(byNode(member, from), {
    action: "capability-use",
    at,
    clusterId: member.clusterId,
    member: member.name,
    detail: `bound to MAC ${member.bound?.macs.join(", ")}`.slice(0, 1000),
  });
