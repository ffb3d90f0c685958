import { defaultNodePool } from "#api/node-pool.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord, NodePoolRecord } from "../store/records.ts";
import { nodeNumber } from "./node-names.ts";

/** Returns a cluster's node pools, `default` first. */
export const poolsOf = ({ nodePools = [], workerMachines }: ClusterRecord): NodePoolRecord[] => [
  { name: defaultNodePool, ...(workerMachines && { machines: workerMachines }) },
  ...nodePools,
];

/** Returns the name of a worker's node pool; undefined for a control plane. */
export const poolOf = ({ role, nodePool = defaultNodePool }: Pick<MemberRecord, "role" | "nodePool">) =>
  role === "worker" ? nodePool : undefined;

/** Returns what the member's machine must be. */
export const machineOf = (cluster: ClusterRecord, member: MemberRecord): Omit<NodePoolRecord, "name"> =>
  poolsOf(cluster).find(({ name }) => name === poolOf(member)) ?? {};

/** Returns the member as its provider reserves a machine for it. */
export const toReserved = ({ name, role, allocation, nodePool }: MemberRecord) => ({
  name,
  role,
  allocation,
  nodePool,
});

/** Throws DomainError `not-found`. */
export function findPool(cluster: ClusterRecord, name: string): NodePoolRecord {
  const pools = poolsOf(cluster);
  const pool = pools.find((each) => each.name === name);
  if (pool !== undefined) return pool;
  const known = pools.map((each) => each.name).join(", ");
  throw new DomainError("not-found", `Cluster ${cluster.name} has no node pool ${name}; there are: ${known}`);
}

/** Returns a pool's workers that are not leaving. */
export const stayingIn = (members: readonly MemberRecord[], pool: string): MemberRecord[] =>
  members.filter((member) => poolOf(member) === pool && member.detachment === undefined);

/** Whether the worker is to stay: one whose node could not be drained is still there, but is not wanted any longer. */
export const isWanted = ({ detachment, detachFailure }: MemberRecord): boolean =>
  detachment === undefined && detachFailure === undefined;

/** Returns the workers of a pool that leave first: those that were to leave before, have failed, or are the newest. */
export const chooseLeaving = (staying: readonly MemberRecord[], count: number): MemberRecord[] =>
  staying
    .toSorted((one, other) => rank(one) - rank(other) || nodeNumber(other) - nodeNumber(one))
    .slice(0, Math.max(0, count));

function rank({ detachFailure, state }: MemberRecord): number {
  if (detachFailure !== undefined) return 0;
  return state === "failed" ? 1 : 2;
}
