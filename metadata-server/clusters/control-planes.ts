import type { ClusterRecord, MemberRecord } from "../store/records.ts";

type ControlPlanes = Pick<ClusterRecord, "controlPlanes">;

/** Whether the node is one of the control planes that serve; an attached one serves once it is Ready. */
export const serves = ({ controlPlanes }: ControlPlanes, { name }: Pick<MemberRecord, "name">): boolean =>
  controlPlanes.some((each) => each.name === name);

/** Whether etcd's members are about to change with this control plane, or it is left behind and has never served. */
export const isChanging = (cluster: ControlPlanes, member: MemberRecord): boolean =>
  member.detachment !== undefined || !serves(cluster, member);
