import { defaultNodePool } from "#api/node-pool.ts";
import type { ClusterRecord, MemberRecord, NodePoolRecord } from "../store/records.ts";

/** Returns a cluster's node pools, `default` first. */
export const poolsOf = ({ nodePools, nodes, controlPlanes }: ClusterRecord): NodePoolRecord[] =>
  nodePools ?? [{ name: defaultNodePool, workers: nodes - controlPlanes.length }];

/** Returns the name of a worker's node pool; undefined for a control plane. */
export const poolOf = ({ role, nodePool = defaultNodePool }: Pick<MemberRecord, "role" | "nodePool">) =>
  role === "worker" ? nodePool : undefined;
