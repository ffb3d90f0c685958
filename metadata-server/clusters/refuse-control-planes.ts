import { mismatch } from "#api/field-errors.ts";
import { hasSharedEndpoint } from "#api/shared-endpoint.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { isChanging } from "./control-planes.ts";

/** As many as a cluster can be created with. */
const maxControlPlanes = 7;

/**
 * Refuses control planes that etcd or the cluster's workers cannot take: etcd's members change one after another, and
 * only with an odd number of them each one adds to what may fail. Throws DomainError `invalid-request` or
 * `wrong-state`.
 */
export function refuseControlPlanes(
  cluster: ClusterRecord,
  { count, present }: { count: number; present: readonly MemberRecord[] },
): void {
  const { name, controlPlanes } = cluster;
  if (controlPlanes.length < 2 && !hasSharedEndpoint(cluster))
    throw new DomainError(
      "wrong-state",
      `Cannot attach control planes to ${name}, which has one: its workers reach it without a load balancer; create a cluster with 3 control planes, with a controlPlaneEndpoint or with a virtualAddress`,
    );
  const changing = present.find((member) => member.role === "control-plane" && isChanging(cluster, member));
  if (changing !== undefined)
    throw new DomainError(
      "wrong-state",
      `Cannot attach control planes to ${name} while ${changing.name} is ${describeChange(changing)}`,
    );
  const total = controlPlanes.length + count;
  if (total % 2 === 1 && total <= maxControlPlanes) return;
  const expected = `a number with which ${name} has an odd number of control planes, at most ${maxControlPlanes}`;
  const detail = `${mismatch(expected, count)}; it has ${controlPlanes.length} now`;
  throw new DomainError("invalid-request", "Cannot attach control planes", {
    errors: [{ pointer: "/controlPlanes", detail }],
  });
}

function describeChange({ detachment, state }: MemberRecord): string {
  if (detachment !== undefined) return "detaching";
  return state === "failed" ? "there, which failed to join; detach it first" : "joining";
}
